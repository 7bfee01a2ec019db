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

/** The fields of `failureJson` in `src/cli/command/ending.ts`. */
const JSON_FAILURES = [
  "## With `--json`",
  "A command that fails prints this object on stdout instead of its result, and the usual lines on stderr. `hint` may be " +
    "null, and an `AUDIT_BROKEN` has a `row`. `runtime-token` prints no object: its stdout is only for a token. " +
    "[docs/json.md](json.md) has the results.",
  '```json\n{\n  "error": {\n    "code": "STALE_BASE",\n    "exit_code": 5,\n    "message": "prod has moved on since your pull ' +
    '(gen 1 → 5): STRIPE changed 3 min ago by bob@build-7",\n    "hint": "vsync pull prod --merge keeps both sides; ' +
    '--force pushes over it"\n  }\n}\n```',
];

const ANSWERS_NEEDED = [
  "## What a script has to answer",
  "In a script, these commands stop until you say what they should do:",
  "- `push` of a file that `pull` wrote ends with 5 if it would undo what others have changed since. Use `pull --merge` " +
    "first, or `--force`.\n" +
    "- `push` of any other content ends with 1 if it changes or removes a secret. Give `--yes`, or `--base=<gen>`.\n" +
    "- `--yes` does not answer for a protected env: give `--confirm=<env>`.\n" +
    "- If somebody answers no to a question, the command ends with 1.\n" +
    "- From a folder that no config is bound to, a command ends with 4 (`rotate-passphrase` with 5), even if package.json or " +
    "the folder's name fits. Run `vsync init` there, or name the vault with `--repo` or `VSYNC_REPO`.\n" +
    "- If a config is not bound to a folder yet, a command that writes ends with 4, unless `--repo` or `VSYNC_REPO` names it. " +
    "Run `vsync list` once in its folder.\n" +
    "- A new vault's name has the package's scope or the remote's owner, as in `acme/api`: give `--repo` in scripts.\n" +
    "- `runtime-token`, `rotate-passphrase` and writes to a protected env need the env on the command line.\n" +
    "- If an env is not set up, `get` and `set` end with 4 and suggest one that is. `unset` takes its first word for a name if " +
    "it is not an env.\n" +
    "- If a vault has moved (`vsync move`), a write at its old place ends with 4 (`rotate-passphrase` with 5). Run `vsync init`.\n" +
    "- With `CI` or `VSYNC_NO_INPUT` set, or in the background, vsync asks nothing, even on a terminal.",
];

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
    "Exit codes never change, and are the same with `--json`.",
    ...all.map(familyLines),
    "By error class (a `code` is an error's stable name):",
    table(["class", "`code`", ...all.map(({ commands }) => commands), "when"], rows),
    ...JSON_FAILURES,
    ...ANSWERS_NEEDED,
  ]);
}
