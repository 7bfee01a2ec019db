import { execFile } from "node:child_process";
import { appendFile, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { reasonOf } from "../../../disk/faults.ts";
import { codeOf } from "../../../disk/posix.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import type { PlannedFile } from "./pull-plan.ts";

/**
 * Warns of written files that the next `git add` or `git commit -a` would include. On a terminal, offers to add those
 * that git does not track to .gitignore.
 */
export async function guardFromGit(files: readonly PlannedFile[], { prompter, output }: SecretSources): Promise<void> {
  const open: Visible[] = [];
  const tracked: string[] = [];
  for (const { path, target, state } of files) {
    const visible = state === "same" ? null : await visibleToGit(path, target);
    if (visible?.isTracked) tracked.push(visible.path);
    else if (visible !== null) open.push(visible);
  }
  if (tracked.length > 0) {
    const them = tracked.length === 1 ? "it" : "them";
    output.warn(
      `git tracks ${tracked.join(", ")}: run git rm --cached ${tracked.join(" ")}, and add ${them} to .gitignore`,
    );
  }
  const [first] = open;
  if (first === undefined) return;
  const names = open.map(({ path }) => path).join(", ");
  output.warn(`git does not ignore ${names}: add ${open.length === 1 ? "it" : "them"} to .gitignore`);
  if (!prompter.isInteractive || !(await prompter.confirm(`Add ${names} to .gitignore?`))) return;
  try {
    await ignore(first.topLevel, open);
    output.done(`Added ${names} to .gitignore`);
  } catch (error) {
    output.warn(`cannot write ${join(first.topLevel, ".gitignore")}: ${reasonOf(codeOf(error))}`);
  }
}

interface Visible {
  /** The path as the user knows it; for a link, its target's path from the top level. */
  readonly path: string;
  readonly topLevel: string;
  /** The path from the top level, for .gitignore: `/conf/.env.prod`. */
  readonly pattern: string;
  /** Whether it is in the index: then .gitignore has no effect. */
  readonly isTracked: boolean;
}

/** Absolute paths, because PATH may lead to somebody else's program and this process can open the vault. */
const GIT = ["/usr/bin/git", "/usr/local/bin/git", "/opt/homebrew/bin/git", "/run/current-system/sw/bin/git"];

/**
 * Null if git ignores the file, is not installed or cannot look, or the file is outside a work tree.
 *
 * @param target where the bytes went: for git, a link is a path of its own
 */
async function visibleToGit(path: string, target: string): Promise<Visible | null> {
  const folder = await realpath(dirname(resolve(target))).catch(() => null);
  if (folder === null) return null;
  const top = await git(folder, ["rev-parse", "--show-toplevel"]);
  if (top?.code !== 0) return null;
  const topLevel = top.stdout.replace(/\r?\n$/, "");
  const file = join(folder, basename(target));
  const ignored = await git(folder, ["check-ignore", "--quiet", "--", file]);
  // git exits with 128, for example, for a path inside .git.
  if (ignored?.code !== 1) return null;
  const known = await git(folder, ["--literal-pathspecs", "ls-files", "--error-unmatch", "--", file]);
  const inTree = relative(topLevel, file).split(sep).join("/");
  const pattern = `/${inTree.replaceAll(/[\\*?[\]!# ]/g, "\\$&")}`;
  return { path: path === target ? path : inTree, topLevel, pattern, isTracked: known?.code === 0 };
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
}

/** Null if git is not installed. It runs git so a repository's configuration cannot start a program. */
async function git(folder: string, args: readonly string[]): Promise<Ran | null> {
  const { HOME = "", XDG_CONFIG_HOME = "" } = process.env;
  const env = { HOME, ...(XDG_CONFIG_HOME === "" ? {} : { XDG_CONFIG_HOME }), GIT_OPTIONAL_LOCKS: "0" };
  for (const program of GIT) {
    try {
      const all = ["-C", folder, "-c", "core.fsmonitor=false", ...args];
      const { stdout } = await promisify(execFile)(program, all, { env, encoding: "utf8", timeout: 10_000 });
      return { code: 0, stdout };
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code === "ENOENT") continue;
      return { code: typeof code === "number" ? code : 128, stdout: "" };
    }
  }
  return null;
}

async function ignore(topLevel: string, files: readonly Visible[]): Promise<void> {
  const path = join(topLevel, ".gitignore");
  const before = await readFile(path, "utf8").catch(() => "");
  const gap = before === "" || before.endsWith("\n") ? "" : "\n";
  await appendFile(path, `${gap}${files.map(({ pattern }) => `${pattern}\n`).join("")}`);
}
