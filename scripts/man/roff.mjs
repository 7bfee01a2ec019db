// The few man(7) macros that the pages need, and text that is safe in them.

const MAX_SOURCE_COLUMNS = 79;

/** Text on one line, as roff shows it. */
export const text = (plain) => guarded(escaped(plain));

/** Dashes and quotes are those that one types. */
function escaped(plain) {
  return plain
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("`", "\\(ga")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(/[^\0-\x7f]/gu, (it) => `\\[u${it.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** No line of text begins with what makes it a request. */
const guarded = (line) => line.replace(/^\./, "\\&.");

/** The text in lines that a reader of the source can read too. */
export function filled(plain) {
  const lines = [];
  for (const word of plain.split(" ").map(escaped)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > MAX_SOURCE_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map(guarded);
}

/** An argument of a macro, in quotes. */
const quoted = (plain) => `"${text(plain).replaceAll('"', "\\(dq")}"`;

export const bold = (plain) => `\\fB${text(plain)}\\fR`;

export function title(name, { date, version, bin }) {
  return `.TH ${quoted(name.toUpperCase())} 1 "${date}" ${quoted(`${bin} ${version}`)}`;
}

export const section = (name, lines) => (lines.length === 0 ? [] : [`.SH ${quoted(name)}`, ...lines]);

/** The first paragraph of a section stands without a macro. */
export const paragraphs = (all) => all.flatMap((it, index) => (index === 0 ? filled(it) : [".PP", ...filled(it)]));

/** Labels, and indented below each what it means. */
export const entries = (all) => all.flatMap(({ label, text: about }) => [".TP", bold(label), ...filled(about)]);

/** Each a command line of a shell, perhaps over several lines, as they are. */
export const shell = (commands) =>
  commands.flatMap((lines, index) => [...(index === 0 ? [] : [".PP"]), ".EX", ...lines.map(text), ".EE"]);
