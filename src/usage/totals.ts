import type { UsageMap } from "./meters.ts";

/** The dimensions that usage can be added up by. */
export const DIMENSIONS = ["meter", "backend", "route", "token", "subject", "day"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The sum of all events that agree in every dimension. */
export type Cell = Readonly<Record<Dimension, string>> & {
  readonly amount: bigint;
  /** The number of events. */
  readonly events: number;
};

type Where = Readonly<Record<Dimension, string>>;

/** Sums, which may exceed JavaScript's safe integers. */
export class Totals {
  readonly #cells = new Map<string, Where & { amount: bigint; events: number }>();

  add(where: Readonly<Record<Exclude<Dimension, "meter">, string>>, usage: UsageMap): void {
    for (const [meter, amount] of Object.entries(usage)) this.#addTo({ ...where, meter }, BigInt(amount), 1);
  }

  addCell({ amount, events, ...where }: Cell): void {
    this.#addTo(where, amount, events);
  }

  #addTo(where: Where, amount: bigint, events: number): void {
    const { meter, backend, route, token, subject, day } = where;
    const key = JSON.stringify([meter, backend, route, token, subject, day]);
    const known = this.#cells.get(key);
    if (known === undefined) {
      this.#cells.set(key, { ...where, amount, events });
    } else {
      known.amount += amount;
      known.events += events;
    }
  }

  /** Sorted by their dimensions. */
  get cells(): readonly Cell[] {
    return [...this.#cells].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
  }

  /** Sums by these dimensions, and always by meter, because different meters cannot be added. */
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
