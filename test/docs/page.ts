import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, commandOf, commandsIn } from "../support/program/commands.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

/** The file of a fence with a name after its language (```js app.mjs). */
export interface PageFile {
  readonly name: string;
  readonly content: string;
}

export type Step = Command | PageFile;

export interface Section {
  /** The page's path from the repository's root, with the heading if there is one: `docs/s3.md#who-may-do-what`. */
  readonly id: string;
  readonly steps: readonly Step[];
}

interface Fence {
  readonly line: number;
  readonly language: string;
  readonly name: string | undefined;
  readonly lines: readonly string[];
}

/** The paths of all pages, from the repository's root. */
export async function pages(): Promise<string[]> {
  const below = await readdir(join(ROOT, "docs"), { recursive: true });
  const docs = below.map((name) => join("docs", name));
  const top = await readdir(ROOT);
  return [...top, ...docs].filter((name) => name.endsWith(".md")).toSorted();
}

export const readPage = (path: string): Promise<string> => readFile(join(ROOT, path), "utf8");

/** A heading's anchor, as on GitHub. */
export function anchorOf(heading: string): string {
  const kept = heading
    .toLowerCase()
    .replace(/`/g, "")
    .replace(/[^\p{L}\p{N} _-]/gu, "");
  return kept.trim().replaceAll(" ", "-");
}

/** The page's sections with commands, split at its `##` headings. */
export function sectionsOf(path: string, markdown: string): Section[] {
  const found = new Map<string, Step[]>();
  let id = path;
  for (const block of blocksOf(markdown)) {
    if (typeof block === "string") id = `${path}#${anchorOf(block)}`;
    else found.set(id, [...(found.get(id) ?? []), ...stepsOf(block)]);
  }
  const sections = Array.from(found, ([name, steps]) => ({ id: name, steps }));
  return sections.filter(({ steps }) => steps.some((step) => "text" in step));
}

/** Headings of the second level and fences, in order. */
function* blocksOf(markdown: string): Generator<string | Fence> {
  let open: (Fence & { lines: string[]; indent: string }) | null = null;
  for (const [at, text] of markdown.split("\n").entries()) {
    const [, indent = "", info = ""] = /^( *)```(.*)$/.exec(text) ?? [];
    if (open !== null && text === `${open.indent}\`\`\``) {
      yield open;
      open = null;
    } else if (open !== null) open.lines.push(text.slice(open.indent.length));
    else if (text.trimStart().startsWith("```")) {
      const [language = "", name] = info.trim().split(/\s+/);
      open = { line: at + 1, language, name, lines: [], indent };
    } else if (text.startsWith("## ")) yield text.slice(3);
  }
  if (open !== null) throw new Error(`the fence of line ${open.line} is not closed`);
}

function stepsOf(fence: Fence): Step[] {
  if (fence.language === "console") return commandsIn(fence.lines, fence.line + 1);
  if (fence.language === "sh") return [commandOf(fence.line + 1, fence.lines.join("\n"), null)];
  const isFile = fence.name?.includes(".") === true && fence.language !== "text";
  return isFile ? [{ name: fence.name, content: `${fence.lines.join("\n")}\n` }] : [];
}

/** Lines that look like commands outside the fences that the tests run. */
export function unseenCommands(markdown: string): string[] {
  const looksLikeOne = /^ *(\$ |(npx )?vsync [a-z]+( |$)|npm (ci|run|test|install) )/;
  let language: string | null = null;
  const unseen: string[] = [];
  for (const [at, text] of markdown.split("\n").entries()) {
    const [, info] = /^ *```(\w*)/.exec(text) ?? [];
    if (info !== undefined) language = language === null ? info : null;
    else if (
      looksLikeOne.test(text) &&
      (language === null ? /^ {4}/.test(text) : !["console", "sh"].includes(language))
    ) {
      unseen.push(`line ${at + 1}: ${text.trim()}`);
    }
  }
  return unseen;
}
