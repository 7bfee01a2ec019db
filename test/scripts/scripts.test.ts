import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Command, isShown } from "../support/program/commands.ts";
import { openScene } from "../support/program/scene.ts";
import { type Ran, type Scene, Shell, unstaged } from "../support/program/shell.ts";
import { answersTo, asShown, readScript, type Update, updatedScript } from "./script.ts";

/**
 * Runs the scripts next to this file, each section on its own machine. README.md explains the notation, and how to
 * update.
 */
const names = (await readdir(import.meta.dirname, { recursive: true }))
  .filter((name) => name.endsWith(".txt"))
  .toSorted();
/** The time limit of a section; a single command has less. */
const TIMEOUT_MS = 300_000;
const isUpdate = process.env["UPDATE_SCRIPTS"] === "1";

describe.each(names)("%s", async (name) => {
  const path = join(import.meta.dirname, name);
  const text = await readFile(path, "utf8");
  const { sections, files } = readScript(text);
  const updates: Update[] = [];
  afterAll(async () => {
    if (updates.length > 0) await writeFile(path, updatedScript(text, updates));
  });

  test.concurrent.each(sections.map((section) => [section.title, section] as const))(
    "%s",
    async (_title, section) => {
      await using scene = await openScene(section.start, files);
      await using shell = new Shell(scene);
      for (const command of section.commands) {
        const answers = answersTo(command);
        const ran = await (answers === null ? shell.run(command.text) : shell.type(command.text, answers));
        if (ran.exitCode === -1) throw new Error(`line ${command.line}: it hung: ${command.text}\n${ran.stderr}`);
        if (isUpdate) updates.push(...changes(command, ran, scene));
        else expectAsShown(command, ran, scene);
      }
    },
    TIMEOUT_MS,
  );
});

function changes(command: Command, ran: Ran, scene: Scene): Update[] {
  const [expected, actual] = [command.output ?? [], linesOf(ran, scene)];
  const isSame = ran.exitCode === command.exitCode && isShown(expected, actual);
  return isSame ? [] : [{ command, actual, exitCode: ran.exitCode }];
}

function expectAsShown(command: Command, ran: Ran, scene: Scene): void {
  const [expected, actual] = [command.output ?? [], linesOf(ran, scene)];
  const where = `line ${command.line}: ${command.text}`;
  if (!isShown(expected, actual)) expect(actual, where).toEqual(expected);
  expect(ran.exitCode, where).toBe(command.exitCode);
}

function linesOf({ stdout, stderr }: Ran, scene: Scene): string[] {
  return asShown(unstaged(stdout, scene), unstaged(stderr, scene));
}
