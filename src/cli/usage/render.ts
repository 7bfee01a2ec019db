import { type Cell, DIMENSIONS, type Dimension, type Totals } from "../../usage/totals.ts";
import type { ReadUsage } from "../../vault/usage/read.ts";
import { counted } from "../terminal/consent.ts";
import { csvRecord } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";

export { DIMENSIONS };

export interface UsageFlags {
  readonly by?: readonly Dimension[] | undefined;
  readonly json?: boolean | undefined;
  readonly csv?: boolean | undefined;
}

/** Whether an operator should look at something. */
export function isDoubtful({ refused, doubts }: ReadUsage): boolean {
  return refused.length + doubts.length > 0;
}

/** Prints the totals on stdout. What was not counted, and why, goes to stderr. */
export function renderUsage(usage: ReadUsage, flags: UsageFlags, output: Output): void {
  const by = [...new Set(flags.by)];
  if (flags.json) {
    output.json({ ...usageJson(usage), by, totals: rowsJson(usage.totals, by), late: rowsJson(usage.late, by) });
  } else {
    renderTotals(usage, by, flags, output);
  }
  sayCounted(usage, output);
  for (const { month, written } of usage.closed) output.say(`${month} was closed by ${written.by} on ${written.at}`);
  const late = usage.late.by([]);
  if (late.length > 0)
    output.warn(`late, and in no total: ${late.map(amountOf).join(", ")} of months that were closed`);
  sayDoubts(usage, output);
}

/** Shows what was refused, and what an operator should look at. */
export function sayDoubts({ refused, doubts }: ReadUsage, output: Output): void {
  for (const { key, reason, events } of refused) output.warn(refusalOf(key, reason, events));
  for (const { text } of doubts) output.warn(text);
}

function refusalOf(key: string, reason: string, events: number | null): string {
  if (events === null) return `${key} ${reason}: not counted`;
  return events === 1
    ? `${key}: 1 event does not count, as it ${reason}`
    : `${key}: ${events} events do not count, as each ${reason}`;
}

function renderTotals({ totals }: ReadUsage, by: readonly Dimension[], { csv }: UsageFlags, output: Output): void {
  const names = ["meter", ...by.filter((name) => name !== "meter")] as const;
  const rows = totals.by(by);
  if (csv) {
    output.raw(`${csvRecord([...names, "amount", "events"])}\r\n`);
    for (const cell of rows) output.raw(`${csvRecord([...names.map((name) => cell[name]), ...sums(cell)])}\r\n`);
    return;
  }
  output.table(
    [
      ...names.map((name) => ({ head: name.toUpperCase(), cell: (row: Cell) => row[name] || "-" })),
      { head: "AMOUNT", cell: ({ amount }) => amount.toString(), align: "right" },
      { head: "EVENTS", cell: ({ events }) => String(events), align: "right" },
    ],
    rows,
  );
}

function sums({ amount, events }: Cell): [string, string] {
  return [amount.toString(), String(events)];
}

function amountOf({ meter, amount }: Cell): string {
  return `${amount} ${meter}`;
}

/** Amounts are strings, because a sum may exceed JSON's numbers. */
function rowsJson(totals: Totals, by: readonly Dimension[]) {
  return totals.by(by).map((cell) => ({
    meter: cell.meter,
    ...Object.fromEntries(by.map((name) => [name, cell[name]])),
    amount: cell.amount.toString(),
    events: cell.events,
  }));
}

function usageJson({ manifest, events, batches, duplicates, voided, closed, refused, doubts }: ReadUsage) {
  return {
    env: manifest.env,
    gen: manifest.gen,
    events,
    batches,
    duplicates,
    voided,
    closed: closed.map(({ month, written }) => ({ month, ...written })),
    refused,
    doubts,
  };
}

function sayCounted({ events, batches, duplicates, voided }: ReadUsage, output: Output): void {
  const more = [
    ...(duplicates > 0 ? [`${duplicates} came again and count once`] : []),
    ...(voided > 0 ? [`${voided} void`] : []),
  ];
  output.say([`${counted(events, "event", "events")} in ${counted(batches, "batch", "batches")}`, ...more].join("; "));
}
