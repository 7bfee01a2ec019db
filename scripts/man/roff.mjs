// The few man(7) macros that the pages need, and text that is safe in them.

const MAX_SOURCE_COLUMNS = 79;

/** Escapes text for roff and puts it on one line. */
export const text = (plain) => guarded(escaped(plain));

/** Keeps dashes and quotes as you type them. */
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

/** Keeps a line of text from starting like a request. */
const guarded = (line) => line.replace(/^\./, "\\&.");

/** Breaks text into lines that are readable in the source too. */
export function filled(plain) {
  const lines = [];
  for (const word of plain.split(" ").map(escaped)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > MAX_SOURCE_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map(guarded);
}

/** Quotes an argument of a macro. */
const quoted = (plain) => `"${text(plain).replaceAll('"', "\\(dq")}"`;

export const bold = (plain) => `\\fB${text(plain)}\\fR`;

export function title(name, { date, version, bin }) {
  return `.TH ${quoted(name.toUpperCase())} 1 "${date}" ${quoted(`${bin} ${version}`)}`;
}

export const section = (name, lines) => (lines.length === 0 ? [] : [`.SH ${quoted(name)}`, ...lines]);

/** The first paragraph of a section needs no macro. */
export const paragraphs = (all) => all.flatMap((it, index) => (index === 0 ? filled(it) : [".PP", ...filled(it)]));

/** Labels, each with its meaning indented below. */
export const entries = (all) => all.flatMap(({ label, text: about }) => [".TP", bold(label), ...filled(about)]);

/** Command lines of a shell, verbatim; each may span several lines. */
export const shell = (commands) =>
  commands.flatMap((lines, index) => [...(index === 0 ? [] : [".PP"]), ".EX", ...lines.map(text), ".EE"]);
