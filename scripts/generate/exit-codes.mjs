import * as errors from "../../src/errors.ts";
import { page, prose, table } from "./markdown.mjs";

/** Which commands end by which table of `src/errors.ts`. */
const FAMILIES = [
  { commands: "`runtime-token`", constant: "RUNTIME_TOKEN_EXIT_CODES", codes: errors.RUNTIME_TOKEN_EXIT_CODES },
  { commands: "`rotate-passphrase`", constant: "ROTATE_EXIT_CODES", codes: errors.ROTATE_EXIT_CODES },
  { commands: "every other command", constant: "DAY_TO_DAY_EXIT_CODES", codes: errors.DAY_TO_DAY_EXIT_CODES },
];

/** A comment's text up to its first tag. */
const plain = (comment) =>
  comment
    .replace(/^\s*\*/gm, "")
    .split(/\s@\w+/)[0]
    .trim();

/** The comments on what `source` exports, by name. */
function commentsOf(source) {
  const found = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:class|const) (\w+)/g);
  return new Map(Array.from(found, ([, comment, name]) => [name, plain(comment)]));
}

function required(map, key, what) {
  if (!map.has(key)) throw new Error(`src/errors.ts: ${key} has no ${what}`);
  return map.get(key);
}

/** The names of the error classes, by the code of their errors. */
function classesByCode() {
  const classes = Object.values(errors).filter((it) => it.prototype instanceof errors.VsyncError);
  return new Map(classes.map((it) => [new it("", "").code, it.name]));
}

/** `["0", "ok"], ["1", "input"]` from a comment like `0 ok · 1 input.` */
function codesOf({ constant }, comments) {
  const parts = required(comments, constant, "comment").replace(/\.$/, "").split(" · ");
  const codes = parts.map((part) => part.match(/^(\d+) (.+)$/));
  if (codes.includes(null)) throw new Error(`src/errors.ts: the comment on ${constant} is not "0 … · 1 … · …"`);
  return codes.map(([, code, text]) => [code, text]);
}

function familyLine(family, comments) {
  const codes = codesOf(family, comments).map(([code, text]) => `**${code}** ${prose(text)}`);
  return `- ${family.commands}: ${codes.join(", ")}`;
}

/** Number and meaning of each exit code of a command, from the text of `src/errors.ts`. */
export function exitStatusOf(command, source) {
  const own = FAMILIES.find(({ commands }) => commands === `\`${command}\``);
  return codesOf(own ?? FAMILIES.at(-1), commentsOf(source));
}

function row(code, classes, comments) {
  const name = required(classes, code, "class");
  const numbers = FAMILIES.map(({ codes }) => String(codes[code]));
  return [`\`${name}\``, `\`${code}\``, ...numbers, prose(required(comments, name, "comment"))];
}

/** The page of exit codes, from the text of `src/errors.ts` and from what it exports. */
export function exitCodes(source) {
  const comments = commentsOf(source);
  const classes = classesByCode();
  const head = ["class", "`code`", ...FAMILIES.map(({ commands }) => commands), "when"];
  const rows = Object.keys(errors.DAY_TO_DAY_EXIT_CODES).map((code) => row(code, classes, comments));
  return page("Exit codes", "src/errors.ts", [
    "These numbers never change, and are the same with `--json`.",
    FAMILIES.map((family) => familyLine(family, comments)).join("\n"),
    "The same by error class. A `code` is an error's stable name.",
    table(head, rows),
  ]);
}
