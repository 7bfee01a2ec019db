/** Just enough SVG for bars and lines, without a dependency, as text that diffs well. */

const FONT = 'font-family="system-ui, sans-serif" font-size="12"';
const INK = "#24292f";
const FAINT = "#d0d7de";
const COLOURS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#6e7781", "#cf222e"];
const WIDTH = 720;

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** Bars of one kind have one colour. */
  readonly kind: number;
}

const BAR_HEIGHT = 22;
const LABEL_WIDTH = 330;
const VALUE_WIDTH = 70;

/** Horizontal bars from 0, each with a whisker from its smallest to its largest run. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const most = Math.max(...bars.map(({ max }) => max));
  const x = (value: number) => LABEL_WIDTH + (value / most) * room;
  const drawn = bars.map(({ label, value, min, max, kind }, at) => {
    const top = 36 + at * BAR_HEIGHT;
    const middle = top + BAR_HEIGHT / 2;
    return [
      text(LABEL_WIDTH - 8, middle + 4, label, "end"),
      rectangle(LABEL_WIDTH, top + 3, x(value) - LABEL_WIDTH, BAR_HEIGHT - 6, colour(kind)),
      segment(x(min), middle, x(max), middle, INK),
      text(x(max) + 6, middle + 4, `${short(value)} ${unit}`, "start"),
    ].join("\n");
  });
  return document(title, 44 + bars.length * BAR_HEIGHT, drawn);
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
}

export interface Axes {
  readonly x: string;
  readonly y: string;
  readonly isLogarithmic?: boolean;
}

const HEIGHT = 360;
const FRAME = { left: 70, right: 190, top: 60, bottom: 48 };

export function lineChart(title: string, axes: Axes, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const x = scaleOf(
    points.map(([at]) => at),
    [FRAME.left, WIDTH - FRAME.right],
    axes.isLogarithmic,
  );
  const y = scaleOf(
    points.map(([, at]) => at),
    [HEIGHT - FRAME.bottom, FRAME.top],
    axes.isLogarithmic,
  );
  const drawn = lines.map((line, at) => {
    const path = line.points.map(([px, py]) => `${round(x.place(px))},${round(y.place(py))}`).join(" ");
    const dash = line.isDashed ? ' stroke-dasharray="5 4"' : "";
    const dots = line.isDashed
      ? []
      : line.points.map(
          ([px, py]) => `<circle cx="${round(x.place(px))}" cy="${round(y.place(py))}" r="3" fill="${colour(at)}"/>`,
        );
    const legendY = FRAME.top + 8 + at * 18;
    return [
      `<polyline points="${path}" fill="none" stroke="${colour(at)}" stroke-width="2"${dash}/>`,
      ...dots,
      `<line x1="${WIDTH - FRAME.right + 12}" y1="${legendY}" x2="${WIDTH - FRAME.right + 32}" y2="${legendY}" stroke="${colour(at)}" stroke-width="2"${dash}/>`,
      text(WIDTH - FRAME.right + 38, legendY + 4, line.name, "start"),
    ].join("\n");
  });
  return document(title, HEIGHT, [...frame(axes, x, y), ...drawn]);
}

function frame(axes: Axes, x: Scale, y: Scale): string[] {
  const bottom = HEIGHT - FRAME.bottom;
  const right = WIDTH - FRAME.right;
  const across = y.ticks.map((tick) => {
    const at = y.place(tick);
    return `${segment(FRAME.left, at, right, at, FAINT)}\n${text(FRAME.left - 6, at + 4, short(tick), "end")}`;
  });
  const along = x.ticks.map((tick) => text(x.place(tick), bottom + 18, short(tick), "middle"));
  return [
    ...across,
    ...along,
    text((FRAME.left + right) / 2, HEIGHT - 10, axes.x, "middle"),
    text(FRAME.left, FRAME.top - 12, axes.y, "start"),
  ];
}

interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function scaleOf(values: readonly number[], [from, to]: readonly [number, number], isLogarithmic = false): Scale {
  const most = Math.max(...values);
  if (!isLogarithmic) {
    const step = stepOf(most);
    const end = Math.ceil(most / step) * step || 1;
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, at) => at * step);
    return { ticks, place: (value) => from + (value / end) * (to - from) };
  }
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(most)));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  return { ticks, place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

/** A step of 1, 2 or 5 times a power of ten; four to ten steps reach `most`. */
function stepOf(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 4 || 1));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 8) ?? power;
}

function colour(at: number): string {
  return COLOURS[at % COLOURS.length] ?? INK;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${round(value / 1_000_000)}M`;
  if (value >= 10_000) return `${round(value / 1000)}k`;
  return String(value >= 100 ? Math.round(value) : round(value));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(x: number, y: number, words: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${INK}">${escaped(words)}</text>`;
}

function rectangle(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" fill="${fill}"/>`;
}

function segment(x1: number, y1: number, x2: number, y2: number, stroke: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"/>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function document(title: string, height: number, drawn: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ${FONT} role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="20" font-weight="600" fill="${INK}">${escaped(title)}</text>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}
