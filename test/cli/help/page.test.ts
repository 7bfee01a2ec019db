import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { parseArgv } from "../../../src/cli/command/parse-argv.ts";
import { helpPage } from "../../../src/cli/help/page.ts";
import { showHelp } from "../../../src/cli/help/show.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { COMMANDS } from "../../../src/commands.ts";
import { LOADERS, MANIFEST, PJSON, VISIBLE } from "../../support/commands.ts";

function helpOf(id: string | null, columns = 80): string {
  let text = "";
  const stdout = { isTTY: true, columns, write: (chunk: string | Uint8Array) => (text += String(chunk)) };
  const program = { bin: "vsync", description: PJSON.description, manifest: MANIFEST, commands: COMMANDS };
  showHelp(id, program, new Output(stdout, stdout, {}));
  return stripVTControlCharacters(text);
}

const onOneLine = (text: string): string => text.replaceAll("`", "").replace(/\s+/g, " ").trim();

describe.each(VISIBLE.map(({ id }) => [id] as const))("%s --help", (id) => {
  const command = MANIFEST.commands[id]!;

  test("fits 80 columns, and 60 except for shell commands, which break only between flags", () => {
    expect(
      helpOf(id)
        .split("\n")
        .filter((line) => line.length > 80),
    ).toEqual([]);
    const narrow = helpOf(id, 60).split("\n");
    expect(narrow.filter((line) => line.length > 60 && !/^ {2}(\$ | {2})/.test(line))).toEqual([]);
  });

  test("says everything, and nothing twice", () => {
    const text = onOneLine(helpOf(id));
    const said = [command.summary ?? "", ...(command.description ?? "").split("\n\n")].map(onOneLine);
    const visible = [...Object.values(command.args), ...Object.values(command.flags)].filter(({ hidden }) => !hidden);
    said.push(...visible.map(({ description }) => onOneLine(description ?? "")));
    for (const sentence of said) expect(text).toContain(sentence);
    expect(text.split(onOneLine(command.description ?? ""))).toHaveLength(2);
    for (const { name } of Object.values(command.flags)) expect(text).toContain(` --${name}`);
    for (const { name } of Object.values(command.args)) expect(text).toContain(` ${name.toUpperCase()}`);
  });

  test("every example is one that the command understands", async () => {
    const { examples } = helpPage(command, MANIFEST, "vsync");
    expect(examples).not.toHaveLength(0);
    for (const example of examples) {
      const lines = vsyncLines(example);
      expect(lines, example).not.toHaveLength(0);
      for (const words of lines) await expect(understood(words), words.join(" ")).resolves.toBeTruthy();
    }
  });
});

/** The words after `vsync` in each of a line's commands. */
function vsyncLines(example: string): string[][] {
  return example
    .replaceAll(/ >\s*\S+/g, "")
    .replaceAll(/"\$\((.*?)\)"/g, "$1")
    .split(" | ")
    .flatMap((part) => {
      const words = Array.from(part.matchAll(/(?:'[^']*'|[^\s'])+/g), ([word]) => word.replaceAll("'", ""));
      const at = words.indexOf("vsync");
      return at === -1 ? [] : [words.slice(at + 1)];
    });
}

async function understood(words: readonly string[]): Promise<unknown> {
  const deep = words.slice(0, 2).join(":");
  const id = deep in LOADERS ? deep : (words[0] ?? "");
  const command = await LOADERS[id]!();
  const { args, flags, baseFlags, takesCommandLine } = command;
  const rest = words.slice(id.split(":").length);
  return parseArgv(rest, { id, args, flags: { ...baseFlags, ...flags }, takesCommandLine });
}

test("vsync --help has every command by its group, on a terminal of 24 rows with the line that asked", () => {
  const text = helpOf(null);
  const lines = text.split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  for (const title of Object.keys(COMMANDS)) expect(text).toMatch(new RegExp(`^ {2}${title} {2}`, "m"));
  const names = onOneLine(text).replaceAll(/([a-z-]+) \(([^)]*)\)/g, (_, name: string, below: string) =>
    [name, ...below.split(", ").map((it) => `${name} ${it}`)].join(", "),
  );
  for (const { id } of VISIBLE) expect(names, id).toMatch(new RegExp(` ${id.replace(":", " ")}(,| [A-Zv])`));
});

test("vsync --help --all has every command once, with a sentence, in a group, at 80 columns", () => {
  const text = helpOf("*");
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  for (const { id } of VISIBLE) {
    expect(text.match(new RegExp(`^ {2}${id.replace(":", " ")}  `, "gm")), id).toHaveLength(1);
  }
  expect(text.match(/^[A-Z ]{5,}$/gm)).toEqual(["USAGE", ...Object.keys(COMMANDS)]);
});

test("run says where the program goes", () => {
  expect(helpOf("run")).toContain("  $ vsync run [ENV] [flags] -- COMMAND…\n");
});

test("the usage contains required flags", () => {
  expect(helpOf("export")).toContain("  $ vsync export [ENV] --format=<format> [flags]\n");
});

test("audit names the commands below it", () => {
  expect(helpOf("audit")).toMatch(/COMMANDS\n {2}audit reconcile {2}.+\n {2}audit verify +/);
});
