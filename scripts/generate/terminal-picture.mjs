const COLUMNS = 98;
const [CHARACTER, LINE] = [7.8, 20];
const MARGIN = 20;
const INK = "#e6edf3";
const FILLS = new Map([
  [32, "#3fb950"],
  [34, "#58a6ff"],
  [36, "#39c5cf"],
  [39, null],
]);
const STYLES = new Map([
  [1, { weight: "bold" }],
  [2, { opacity: "0.6" }],
  [22, { weight: null, opacity: null }],
]);
const SGR = /\x1b\[([\d;]*)m/;

/** Draws a terminal's screen. `screen` may contain SGR sequences for its colours, and no others. */
export function terminalPicture(title, screen) {
  const lines = screen.trimEnd().split("\n").flatMap(wrapped);
  const [width, height] = [2 * MARGIN + COLUMNS * CHARACTER, 2 * MARGIN + lines.length * LINE];
  const shown = lines.map((runs, at) => {
    const spans = runs.map(({ text, style }) => `<tspan${attributes(style)}>${escaped(text)}</tspan>`).join("");
    return `<text x="${MARGIN}" y="${MARGIN + at * LINE + 14}" xml:space="preserve">${spans}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="${INK}">`,
    ...shown,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** Splits a line into lines of styled runs that fit the picture. */
function wrapped(line) {
  const lines = [[]];
  let [style, column] = [{}, 0];
  for (const [at, part] of line.split(SGR).entries()) {
    if (at % 2 === 1) {
      for (const code of part.split(";").map(Number)) style = styled(style, code);
      continue;
    }
    for (const word of part.split(/(?<= )(?=\S)/)) {
      if (column > 0 && column + word.trimEnd().length > COLUMNS) {
        lines.push([]);
        column = 0;
      }
      append(lines.at(-1), word, style);
      column += word.length;
    }
  }
  return lines;
}

function append(runs, text, style) {
  const last = runs.at(-1);
  if (last?.style === style) last.text += text;
  else if (text !== "") runs.push({ text, style });
}

function styled(style, code) {
  if (FILLS.has(code)) return { ...style, fill: FILLS.get(code) };
  return code === 0 ? {} : { ...style, ...STYLES.get(code) };
}

function attributes({ fill, weight, opacity }) {
  const given = Object.entries({ fill, "font-weight": weight, "fill-opacity": opacity });
  return given.flatMap(([name, value]) => (value ? [` ${name}="${value}"`] : [])).join("");
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
