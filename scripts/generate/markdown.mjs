const CODE = /(`[^`]*`|--[a-z][a-z-]*|\bVSYNC_[A-Z_]+(?:\(_FILE\))?)/;

const code = (text) => (text.startsWith("`") ? text : `\`${text}\``);
const escaped = (text) => text.replace(/[<*|]/g, "\\$&");

/** Escapes text for Markdown and puts it on one line. Flags, our variables and text in backticks become code. */
export function prose(text) {
  const parts = text.trim().replace(/\s+/g, " ").split(CODE);
  return parts.map((part, number) => (number % 2 === 1 ? code(part) : escaped(part))).join("");
}

export function shell(commands) {
  return ["```sh", ...commands, "```"].join("\n");
}

const row = (cells) => `| ${cells.join(" | ")} |`;

export function table(head, rows) {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

const WIDTH = 106;

/** Fills paragraphs and list items; tables, headings, images, comments and fences stay as they are. */
export function filled(markdown) {
  const blocks = markdown.split(/\n{2,}/).map((block) => (/^(?:\||#|!\[|<|```)/.test(block) ? block : fill(block)));
  return blocks.join("\n\n");
}

function fill(block) {
  const parts = block.split(/\n(?=- )/).map((part) => {
    const indent = part.startsWith("- ") ? "  " : "";
    let [text, column] = ["", 0];
    // A code span or a link stays on one line.
    for (const word of part.match(/(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|\S)+/g) ?? []) {
      const breaks = column > 0 && column + 1 + word.length > WIDTH;
      text += breaks ? `\n${indent}${word}` : `${column > 0 ? " " : ""}${word}`;
      column = breaks ? indent.length + word.length : column + (column > 0 ? 1 : 0) + word.length;
    }
    return text;
  });
  return parts.join("\n");
}

/** Joins blocks into a page, below a note that names its source. */
export function page(title, source, blocks) {
  const note = `<!-- Written by \`npm run generate\` from ${source}: change that, not this. -->`;
  return `${[`# ${title}`, note, ...blocks.map(filled)].join("\n\n")}\n`;
}
