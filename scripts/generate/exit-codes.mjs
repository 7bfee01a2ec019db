import { loadersOf } from "../../src/cli/program/command-table.ts";
import { COMMANDS } from "../../src/commands.ts";
import * as errors from "../../src/errors.ts";
import { DAY_TO_DAY_EXIT_CODES, FAILURES } from "../../src/exit-codes.ts";
import { page, prose, table } from "./markdown.mjs";

/** The commands with exit codes of their own, then everything else. */
async function families() {
  const loaded = await Promise.all(Object.entries(loadersOf(COMMANDS)).map(async ([id, load]) => [id, await load()]));
  const own = loaded.filter(([, { exitCodes }]) => exitCodes !== DAY_TO_DAY_EXIT_CODES);
  const together = Map.groupBy(own, ([, { exitCodes }]) => exitCodes);
  return [
    ...[...together].map(([exitCodes, commands]) => ({ commands: commands.map(named).join(", "), ...exitCodes })),
    { commands: "every other command", ...DAY_TO_DAY_EXIT_CODES },
  ];
}

const named = ([id]) => `\`${id.replaceAll(":", " ")}\``;

function familyLines({ commands, meanings }) {
  const lines = Object.entries(meanings).map(([code, text]) => `- **${code}** ${prose(text)}`);
  return `${commands[0].toUpperCase()}${commands.slice(1)}:\n\n${lines.join("\n")}`;
}

/** The names of the error classes, by the code of their errors. */
function classesByCode() {
  const classes = Object.values(errors).filter((it) => it.prototype instanceof errors.VsyncError);
  return new Map(classes.map((it) => [new it("", "").code, it.name]));
}

/** The page of exit codes, from the tables of `src/exit-codes.ts` and the classes of `src/errors.ts`. */
export async function exitCodePage() {
  const all = await families();
  const classes = classesByCode();
  const rows = Object.entries(FAILURES).map(([code, when]) => [
    `\`${classes.get(code)}\``,
    `\`${code}\``,
    ...all.map(({ failures }) => String(failures[code])),
    prose(when),
  ]);
  return page("Exit codes", "src/exit-codes.ts", [
    "These numbers never change, and are the same with `--json`.",
    ...all.map(familyLines),
    "The same by error class. A `code` is an error's stable name.",
    table(["class", "`code`", ...all.map(({ commands }) => commands), "when"], rows),
  ]);
}
