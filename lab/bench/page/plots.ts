/** Bars and lines by Observable Plot, as SVG that follows the reader's light or dark scheme and diffs well. */

import {
  axisX,
  axisY,
  barX,
  dot,
  gridY,
  lineY,
  type Markish,
  type PlotOptions,
  plot,
  ruleY,
  text,
} from "@observablehq/plot";
import { parseHTML } from "linkedom";

const WIDTH = 720;
const COLOURS = 6;
/** An <img> has no style of its page: the picture brings the ink of both schemes, and colours that are legible in each. */
const STYLE = `
svg { color: #24292f; background: transparent; font: 12px system-ui, sans-serif; --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #6e7781; --c5: #cf222e; }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; --c0: #4493f8; --c1: #f0883e; --c2: #3fb950; --c3: #ab7df8; --c4: #9198a1; --c5: #f85149; } }
`;

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** Bars of one kind have one colour. */
  readonly kind: number;
}

const BAR_HEIGHT = 22;

/** Horizontal bars from 0, each with a whisker from its smallest to its largest run. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const y = (_: Bar, at: number): number => at;
  const most = Math.max(...bars.map(({ max }) => max));
  return drawn(title, {
    height: 40 + bars.length * BAR_HEIGHT,
    marginTop: 36,
    marginLeft: 330,
    marginRight: 80,
    marginBottom: 4,
    x: { axis: null, domain: [0, most] },
    y: { axis: null, padding: 0.25 },
    marks: [
      axisY({ tickSize: 0, tickFormat: (at: number) => bars[at]?.label ?? "" }),
      barX(bars, { x: "value", y, fill: ({ kind }: Bar) => colour(kind) }),
      ruleY(bars, { x1: "min", x2: "max", y, stroke: "currentColor" }),
      text(bars, { x: "max", y, dx: 6, textAnchor: "start", text: ({ value }: Bar) => `${short(value)} ${unit}` }),
    ],
  });
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

const LEGEND = { width: 190, lineHeight: 18 };

export function lineChart(title: string, axes: Axes, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const [x, y] = [
    scale(
      points.map(([at]) => at),
      axes,
    ),
    scale(
      points.map(([, at]) => at),
      axes,
    ),
  ];
  const margins = { marginTop: 64, marginLeft: 60, marginRight: LEGEND.width, marginBottom: 44 };
  const label = { frameAnchor: "top-left", dx: -margins.marginLeft + 12, dy: -18 } as const;
  return drawn(title, {
    ...margins,
    height: 360,
    x: x.options,
    y: y.options,
    marks: [
      gridY({ ...y.axis, stroke: "currentColor", strokeOpacity: 0.15 }),
      axisX({ ...x.axis, label: axes.x, labelAnchor: "center", labelArrow: "none" }),
      axisY({ ...y.axis, label: null }),
      text([axes.y], label),
      ...lines.flatMap(marksOf),
    ],
  });
}

const DECADES = Array.from({ length: 8 }, (_, power) => 10 ** power);
const STEPS = DECADES.flatMap((decade) => [1, 2, 5].map((factor) => factor * decade));

/** From 0; or in powers of ten, or over less than two of those in steps of 1, 2 and 5, that enclose the values. */
function scale(values: readonly number[], { isLogarithmic = false }: Axes) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const axis = { tickFormat: short };
  if (!isLogarithmic) return { options: { type: "linear", domain: [0, most], nice: true }, axis } as const;
  const steps = most < 100 * least ? STEPS : DECADES;
  const ticks = steps.filter((step, at) => (steps[at + 1] ?? step) > least && (steps[at - 1] ?? 0) < most);
  return { options: { type: "log", domain: [ticks[0] ?? 1, ticks.at(-1) ?? most] }, axis: { ...axis, ticks } } as const;
}

function marksOf({ name, points, isDashed = false }: Line, at: number): Markish[] {
  const stroke = colour(at);
  const legend = {
    frameAnchor: "top-right",
    textAnchor: "start",
    dx: 14,
    dy: at * LEGEND.lineHeight,
    fill: stroke,
  } as const;
  return [
    lineY(points, { x: "0", y: "1", stroke, strokeWidth: 2, ...(isDashed && { strokeDasharray: "5 4" }) }),
    ...(isDashed ? [] : [dot(points, { x: "0", y: "1", fill: stroke, r: 3 })]),
    text([`${isDashed ? "╌╌" : "━━"} ${name}`], legend),
  ];
}

function colour(at: number): string {
  return `var(--c${at % COLOURS})`;
}

function short(value: number): string {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, "M"] : value >= 1e4 ? [value / 1000, "k"] : [value, ""];
  return `${scaled >= 100 ? Math.round(scaled) : Math.round(scaled * 10) / 10}${unit}`;
}

function drawn(
  title: string,
  options: PlotOptions & { readonly marginLeft: number; readonly marginTop: number },
): string {
  const { document } = parseHTML("<html></html>");
  const heading = text([title], {
    frameAnchor: "top-left",
    dx: 12 - options.marginLeft,
    dy: 12 - options.marginTop,
    fontSize: 14,
    fontWeight: "bold",
  });
  const svg = plot({ ...options, width: WIDTH, document, marks: [...(options.marks ?? []), heading] });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  svg.querySelector("style")?.remove();
  const name = document.createElement("title");
  name.textContent = title;
  const style = document.createElement("style");
  style.textContent = STYLE;
  svg.prepend(name, style);
  return `${tidied(svg.outerHTML)}\n`;
}

/** A tag on each line, and no more digits than a picture needs: a change of one number is a change of a few lines. */
function tidied(markup: string): string {
  return markup
    .replaceAll("><", ">\n<")
    .replace(/\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10));
}
