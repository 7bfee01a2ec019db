const CODE = /(`[^`]*`|--[a-z][a-z-]*|\bVSYNC_[A-Z_]+(?:\(_FILE\))?)/;

const code = (text) => (text.startsWith("`") ? text : `\`${text}\``);
const escaped = (text) => text.replace(/[<*|]/g, "\\$&");

/** Text that Markdown shows as it stands, on one line. Flags, our variables and what backticks enclose become code. */
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

/** Blocks become a page: one empty line between them, a note on where the page comes from. */
export function page(title, source, blocks) {
  const note = `<!-- Written by \`npm run generate\` from ${source}: change that, not this. -->`;
  return `${[`# ${title}`, note, ...blocks].join("\n\n")}\n`;
}
