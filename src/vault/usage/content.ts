import * as v from "valibot";
import type { JsonObject, Refuse } from "../../canonical-json.ts";
import { batchKey, parseBatchKey } from "../../usage/batch.ts";
import { parseEvent } from "../../usage/event.ts";
import type { OpenedBatch } from "../../usage/read-batch.ts";
import type { Cell } from "../../usage/totals.ts";
import { count, exactly, parseShape, sha256, text } from "../format/shape.ts";

/* The content of the objects that operators write under `usage/` (docs/format.md, Objects of operators). */

const cellShape = exactly({
  day: text,
  meter: text,
  backend: text,
  route: text,
  token: text,
  subject: text,
  amount: v.pipe(text, v.regex(/^\d+$/)),
  events: count,
});
const monthShape = exactly({ month: text, batches: v.array(text), cells: v.array(cellShape) });

/** A month whose totals are frozen. */
export interface MonthContent {
  readonly month: string;
  /** The keys of the batches in the totals. */
  readonly batches: readonly string[];
  readonly cells: readonly Cell[];
}

export function monthJson({ month, batches, cells }: MonthContent): JsonObject {
  return { month, batches, cells: cells.map(({ amount, ...cell }) => ({ ...cell, amount: amount.toString() })) };
}

export function parseMonth(content: JsonObject, refuse: Refuse): MonthContent {
  const { month, batches, cells } = parseShape(monthShape, content, refuse);
  return { month, batches, cells: cells.map(({ amount, ...cell }) => ({ ...cell, amount: BigInt(amount) })) };
}

const dayShape = exactly({
  day: text,
  batches: v.array(
    exactly({
      key: text,
      instance: text,
      seq: count,
      prev: v.exactOptional(sha256),
      digest: sha256,
      stored: v.exactOptional(v.number()),
      lines: v.array(text),
    }),
  ),
});

/** All batches of a day in one object: what each reported, and its position in its chain. */
export function dayJson(day: string, batches: readonly OpenedBatch[]): JsonObject {
  return {
    day,
    batches: batches.map(({ name, header: { instance, seq, prev }, digest, storedMs, events }) => ({
      key: batchKey(name),
      instance,
      seq,
      ...(prev === undefined ? {} : { prev }),
      digest,
      ...(storedMs === undefined ? {} : { stored: storedMs }),
      lines: events.map(({ line }) => line),
    })),
  };
}

export function parseDay(content: JsonObject, refuse: Refuse): readonly (OpenedBatch & { readonly key: string })[] {
  const { batches } = parseShape(dayShape, content, refuse);
  return batches.map(({ key, instance, seq, prev, digest, stored, lines }) => {
    const name = parseBatchKey(key);
    if (name === null) throw refuse("names an impossible batch");
    const header = { instance, seq, ...(prev === undefined ? {} : { prev }) };
    const events = lines.map((line) => ({ event: parseEvent(line, refuse), line }));
    return { key, name, header, digest, storedMs: stored, events };
  });
}

const voidShape = exactly({ id: text, token: v.exactOptional(text), note: v.exactOptional(text) });

/** An event that does not count. */
export type VoidContent = v.InferOutput<typeof voidShape>;

export function parseVoid(content: JsonObject, refuse: Refuse): VoidContent {
  return parseShape(voidShape, content, refuse);
}
