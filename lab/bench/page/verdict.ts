import type { Row } from "../results.ts";

/** A bar of the design and the measured value. */
export interface Verdict {
  readonly work: string;
  /** The bar in words. */
  readonly bar: string;
  readonly limit: number;
  readonly measured: number;
  readonly unit: string;
}

export function isMet({ limit, measured }: Verdict): boolean {
  return measured <= limit;
}

export function find(rows: readonly Row[], match: Partial<Row>): Row | undefined {
  const wanted = Object.entries(match);
  return rows.find((row) => wanted.every(([field, value]) => row[field as keyof Row] === value));
}
