import { DAY_MS } from "../durations.ts";
import { batchKey, dayOf, type ReadEvent } from "./batch.ts";
import { type ChainFault, Chains } from "./chains.ts";
import { contentOf, type UsageEvent } from "./event.ts";
import type { UsageMap } from "./meters.ts";
import type { OpenedBatch, ReadingRules } from "./read-batch.ts";
import { type Cell, Totals } from "./totals.ts";

/** What one request of a route may report. */
export interface RouteLimits {
  readonly meters?: readonly string[];
  readonly maxPerRequest?: Readonly<Record<string, number>>;
}

/** The rules by which batches are judged. */
export interface LedgerRules extends ReadingRules {
  /** The vault's meters; undefined if the settings do not limit them. */
  readonly meters?: ReadonlySet<string> | undefined;
  /** Undefined for a route that is missing from the settings. */
  readonly routeLimits: (id: string) => RouteLimits | undefined;
  /** Whether an operator voided the event. */
  readonly isVoid: (token: string, id: string) => boolean;
  /** Whether the caller wants events of that day. */
  readonly isWanted: (day: string) => boolean;
  readonly isClosed: (month: string) => boolean;
  /** The closed month, `YYYY-MM`, whose totals contain the batch. */
  readonly frozenIn: (batchKey: string) => string | undefined;
}

/** A batch, or events in one, that do not count. */
export interface Refusal {
  readonly key: string;
  readonly reason: string;
  /** How many events; null for the batch as a whole. */
  readonly events: number | null;
}

/** Something for an operator to look at. The events count nevertheless. */
export interface Doubt {
  readonly kind: ChainFault["kind"] | "conflict" | "unsettled" | "moved";
  readonly token: string;
  readonly text: string;
}

const MAX_APART_MS = 2 * DAY_MS;
/** Sorts after every month. */
const LATE = "late";

/** A batch that counts for a later day than its own. */
interface Belated {
  readonly batch: OpenedBatch;
  readonly day: string;
  /** The day; or the month that was closed with it. */
  readonly since: string;
}

interface Deferred {
  readonly batch: OpenedBatch;
  readonly event: UsageEvent;
  readonly day: string;
}

/** Counts the events of batches, each id once per token and day. `finish` completes the sums. */
export class Ledger {
  readonly #rules: LedgerRules;
  readonly #chains = new Chains();
  readonly #seen = new Map<string, Map<string, string>>();
  readonly #pending = new Map<string, UsageEvent>();
  readonly #settled = new Set<string>();
  readonly #belated: Belated[] = [];
  readonly #deferred: Deferred[] = [];
  readonly #counted = new Set<string>();
  readonly #refused = new Map<string, Refusal>();
  readonly #doubts: Doubt[] = [];
  readonly totals = new Totals();
  /** Usage that arrived for months closed before. */
  readonly late = new Totals();
  events = 0;
  duplicates = 0;
  voided = 0;
  batches = 0;

  constructor(rules: LedgerRules) {
    this.#rules = rules;
  }

  refuse(key: string, reason: string): void {
    this.#refused.set(key, { key, reason, events: null });
  }

  /** @returns the day that it counts for */
  count(batch: OpenedBatch): string {
    this.#chains.add(batch);
    const day = this.#dayOf(batch);
    if (this.#rules.isWanted(day)) this.batches += 1;
    const since = this.#rules.frozenIn(batchKey(batch.name)) ?? day;
    // If an id comes twice, the batch that came in time counts. Otherwise, each month may leave it to the other.
    if (since > batch.name.day) this.#belated.push({ batch, day, since });
    else this.#countEvents(batch, day);
    return day;
  }

  #countEvents(batch: OpenedBatch, day: string): void {
    for (const read of batch.events) this.#countEvent(batch, read, day);
  }

  /** The totals of months that were closed. */
  addFrozen(cells: readonly Cell[]): void {
    for (const cell of cells.filter(({ day }) => this.#rules.isWanted(day))) {
      this.totals.addCell(cell);
      this.events += cell.events;
    }
  }

  /** @param isWhole false if earlier batches of an instance may be missing */
  finish(isWhole: boolean): { readonly refused: readonly Refusal[]; readonly doubts: readonly Doubt[] } {
    const inTurn = this.#belated.toSorted((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)));
    for (const { batch, day } of inTurn) this.#countEvents(batch, day);
    // Months may be closed in any order. Usage that was settled twice belongs to the first of its months.
    const settled = this.#deferred.map((it) => ({ ...it, month: this.#monthOf(it) }));
    for (const { batch, event, day } of settled.toSorted((a, b) =>
      a.month < b.month ? -1 : Number(a.month > b.month),
    )) {
      this.#settle(batch, event, day);
    }
    for (const event of this.#pending.values()) {
      if (!this.#rules.isWanted(dayOf(event.at))) continue;
      const text = `the response of request ${event.id} announced usage that never came`;
      this.#doubts.push({ kind: "unsettled", token: event.token ?? "", text });
    }
    const chained = this.#chains.faults(isWhole);
    return { refused: [...this.#refused.values()], doubts: [...chained, ...this.#doubts] };
  }

  /** The day in its name, unless the store received it at a very different time. */
  #dayOf(batch: OpenedBatch): string {
    const { name, storedMs } = batch;
    if (storedMs === undefined) return name.day;
    const startMs = Date.parse(name.day);
    const apartMs = Math.max(startMs - storedMs, storedMs - (startMs + DAY_MS));
    if (apartMs <= MAX_APART_MS) return name.day;
    const day = dayOf(storedMs);
    const text = `${batchKey(name)} reached the store on ${day}, and counts for that day`;
    this.#doubts.push({ kind: "moved", token: name.token, text });
    return day;
  }

  #countEvent(batch: OpenedBatch, { event, line }: ReadEvent, day: string): void {
    const { token } = batch.name;
    const fault = this.#faultIn(event, token);
    if (fault !== null) return this.#refuseEvent(batch, fault);
    if (!this.#isFirst(token, batch.name.day, event.id, line)) return;
    if (this.#rules.isVoid(token, event.id)) {
      this.voided += 1;
    } else if (event.lane === "deferred") {
      this.#deferred.push({ batch, event, day });
    } else if (event.pending) {
      this.#pending.set(event.id, event);
    } else {
      if (event.lane === "response") this.#settled.add(event.id);
      this.#add(batch, event, day);
    }
  }

  #faultIn(event: UsageEvent, writer: string): string | null {
    const facts = this.#rules.tokenFacts(writer);
    if (event.lane === "response" && !facts?.isGateway)
      return "says what responses used, but its token is not a gateway's";
    const of = event.token === undefined ? facts : this.#rules.tokenFacts(event.token);
    if (of === null) return "is by a token that this vault never had";
    const unknown = Object.keys(event.usage).find(
      (meter) => this.#rules.meters?.has(meter) === false || of.meters?.includes(meter) === false,
    );
    return unknown === undefined ? null : `has the meter ${unknown}, which its token may not report`;
  }

  #refuseEvent({ name }: OpenedBatch, reason: string): void {
    const key = batchKey(name);
    const known = this.#refused.get(`${key} ${reason}`)?.events ?? 0;
    this.#refused.set(`${key} ${reason}`, { key, reason, events: known + 1 });
  }

  #isFirst(token: string, day: string, id: string, line: string): boolean {
    const seen = this.#seen.get(`${token} ${day}`) ?? new Map<string, string>();
    this.#seen.set(`${token} ${day}`, seen);
    // A slice of the batch's text, so it takes no memory of its own.
    const content = contentOf(line);
    const known = seen.get(id);
    if (known === undefined) {
      seen.set(id, content);
      return true;
    }
    this.duplicates += 1;
    if (known !== content) {
      const text = `the id ${JSON.stringify(id)} came again on ${day} with other content, which was not counted`;
      this.#doubts.push({ kind: "conflict", token, text });
    }
    return false;
  }

  /** The gateway's announcement names user and backend. Of a request that the gateway settled, nothing is left to add. */
  #settle(batch: OpenedBatch, event: UsageEvent, day: string): void {
    if (this.#settled.has(event.id)) return this.#refuseEvent(batch, "is of a request that the gateway has settled");
    // A response is settled only once, even if an app tries again on the next day.
    const settles = `${batch.name.token} ${event.id}`;
    if (this.#counted.has(settles)) {
      this.duplicates += 1;
      return;
    }
    this.#counted.add(settles);
    // An origin may only settle what was announced to it.
    const announced = this.#announcedTo(batch.name.token, event.id);
    const limits = this.#rules.routeLimits(announced?.route_id ?? event.route_id ?? "");
    const fault = limits === undefined ? null : limitFault(event.usage, limits);
    if (announced !== undefined) this.#pending.delete(event.id);
    if (fault !== null) return this.#refuseEvent(batch, fault);
    if (announced === undefined) return this.#add(batch, event, day);
    const { backend, subject } = announced;
    this.#add(
      batch,
      { ...event, ...(backend === undefined ? {} : { backend }), ...(subject === undefined ? {} : { subject }) },
      day,
    );
  }

  /** The month whose totals have the usage, or would have it if they were frozen now. */
  #monthOf({ batch, day }: Deferred): string {
    const month = day.slice(0, 7);
    return this.#rules.frozenIn(batchKey(batch.name)) ?? (this.#rules.isClosed(month) ? LATE : month);
  }

  #isFrozen({ name }: OpenedBatch): boolean {
    return this.#rules.frozenIn(batchKey(name)) !== undefined;
  }

  #announcedTo(token: string, id: string): UsageEvent | undefined {
    const announced = this.#pending.get(id);
    return announced?.token === token ? announced : undefined;
  }

  #add(batch: OpenedBatch, event: UsageEvent, day: string): void {
    if (!this.#rules.isWanted(day)) return;
    // A batch restored from a backup appears on a new day, but is already in the totals of its old one.
    if (this.#isFrozen(batch)) return;
    const isLate = this.#rules.isClosed(day.slice(0, 7));
    if (!isLate) this.events += 1;
    const token = event.token ?? batch.name.token;
    const backend = event.backend ?? this.#rules.tokenFacts(token)?.backend ?? "";
    const where = { day, backend, route: event.route_id ?? "", token, subject: event.subject ?? "" };
    (isLate ? this.late : this.totals).add(where, event.usage);
  }
}

/** The same limits that a gateway applies to usage in a response. */
function limitFault(usage: UsageMap, { meters = [], maxPerRequest = {} }: RouteLimits): string | null {
  for (const [meter, amount] of Object.entries(usage)) {
    if (!meters.includes(meter)) return `has the meter ${meter}, which its route lacks`;
    const most = maxPerRequest[meter];
    if (most !== undefined && amount > most) return `has more ${meter} than one request may use`;
  }
  return null;
}
