import type { UsageMap } from "./meters.ts";

/** What usage can be added up by. */
export const DIMENSIONS = ["meter", "backend", "route", "token", "subject", "day"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The sum of what agrees in all dimensions. */
export type Cell = Readonly<Record<Dimension, string>> & {
  readonly amount: bigint;
  /** How many events say so. */
  readonly events: number;
};

/** Sums of any size. */
export class Totals {
  readonly #cells = new Map<string, Cell>();

  add(where: Readonly<Record<Exclude<Dimension, "meter">, string>>, usage: UsageMap): void {
    for (const [meter, amount] of Object.entries(usage))
      this.addCell({ ...where, meter, amount: BigInt(amount), events: 1 });
  }

  addCell(cell: Cell): void {
    const key = JSON.stringify(DIMENSIONS.map((dimension) => cell[dimension]));
    const known = this.#cells.get(key);
    const sum =
      known === undefined ? cell : { ...cell, amount: known.amount + cell.amount, events: known.events + cell.events };
    this.#cells.set(key, sum);
  }

  /** In the order of their dimensions. */
  get cells(): readonly Cell[] {
    return [...this.#cells].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
  }

  /** Sums by these dimensions, always also by meter: amounts of two meters are not of one kind. */
  by(dimensions: readonly Dimension[]): readonly Cell[] {
    const sums = new Totals();
    for (const cell of this.#cells.values()) {
      const kept = DIMENSIONS.map(
        (name) => [name, name === "meter" || dimensions.includes(name) ? cell[name] : ""] as const,
      );
      sums.addCell({
        ...(Object.fromEntries(kept) as Record<Dimension, string>),
        amount: cell.amount,
        events: cell.events,
      });
    }
    return sums.cells;
  }
}
