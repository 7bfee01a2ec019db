/**
 * The cases of a table, one a line, their cells between `│`. In a cell, ⏎ is a line end, ⇥ a tab, ␣ a space, ␀ a NUL and
 * ⊣ a carriage return.
 */
export function rows(table: TemplateStringsArray): string[][] {
  const lines = table.raw.join("").split("\n");
  return lines.filter((line) => line.includes("│")).map((line) => line.split("│").map(cell));
}

const CHARACTERS: Readonly<Record<string, string>> = { "⏎": "\n", "⇥": "\t", "␣": " ", "␀": "\0", "⊣": "\r" };

function cell(text: string): string {
  return text.trim().replaceAll(/[⏎⇥␣␀⊣]/g, (sign) => CHARACTERS[sign] ?? sign);
}
