/**
 * The lines that a terminal shows after these bytes. It supports the few sequences that prompts use: a carriage return, a
 * backspace, cursor moves and erasing.
 */
export function renderScreen(sent: string): string {
  const lines: string[] = [""];
  let [row, column] = [0, 0];
  const put = (text: string): void => {
    const line = (lines[row] ?? "").padEnd(column);
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
  };
  const goTo = (nextRow: number): void => {
    row = Math.max(0, nextRow);
    while (lines.length <= row) lines.push("");
  };
  const erase = (what: string | undefined): void => {
    const line = lines[row] ?? "";
    if (what === "2") lines[row] = "";
    else if (what === "1") lines[row] = " ".repeat(column) + line.slice(column);
    else lines[row] = line.slice(0, column);
  };
  const moves: Readonly<Record<string, (count: number, parameter: string | undefined) => void>> = {
    A: (count) => goTo(row - count),
    B: (count) => goTo(row + count),
    C: (count) => (column += count),
    D: (count) => (column = Math.max(0, column - count)),
    G: (count) => (column = count - 1),
    J: (_, parameter) => {
      erase(parameter);
      lines.length = row + 1;
    },
    K: (_, parameter) => erase(parameter),
  };
  for (const [token, parameter, letter = "", single] of sent.matchAll(SEQUENCES)) {
    if (letter !== "") moves[letter]?.(Number(parameter || 1), parameter);
    else if (single === "\n") goTo(row + 1);
    else if (single === "\r") column = 0;
    else if (single === "\b") column = Math.max(0, column - 1);
    else if (!token.startsWith("\u001b") && single === undefined) put(token);
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** A control sequence with its parameter and letter, another escape, a control character, or text. */
const SEQUENCES = /\u001b\[[?]?([\d;]*)([A-Za-z])|\u001b\][^\u0007]*\u0007|\u001b.|([\0-\x1f\x7f])|[^\0-\x1f\x7f]+/g;
