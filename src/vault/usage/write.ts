import type { JsonObject } from "../../canonical-json.ts";
import { DAY_MS } from "../../durations.ts";
import { ConflictError, InputError } from "../../errors.ts";
import { batchKey, dayOf, parseBatchKey } from "../../usage/batch.ts";
import { DAYS_PREFIX, MONTHS_PREFIX, sealOperatorObject, VOIDS_PREFIX } from "../../usage/operator-object.ts";
import type { OpenedBatch } from "../../usage/read-batch.ts";
import type { Totals } from "../../usage/totals.ts";
import { ulid } from "../../usage/ulid.ts";
import type { CommitPorts } from "../commit/commit.ts";
import type { Annotation } from "../commit/draft.ts";
import { removeAll } from "../commit/remove-all.ts";
import { dayJson, monthJson } from "./content.ts";
import { type ReadUsage, readUsage, type UsageRequest } from "./read.ts";

export interface UsageWriteRequest extends Omit<UsageRequest, "since" | "until"> {
  readonly annotation: Annotation;
}

/** Batches of a day may still arrive for this long; by then, apps have sent what they had spooled. */
const SETTLED_AFTER_MS = 3 * DAY_MS;

/** What closing a month freezes. */
export interface ClosePlan {
  readonly read: ReadUsage;
  readonly totals: Totals;
  readonly month: string;
  /**
   * Writes the totals.
   *
   * @throws ConflictError somebody closed the month in the meantime
   */
  readonly write: () => Promise<void>;
}

/**
 * Reads a month in order to close it: its totals are frozen, and usage that arrives later is listed as late.
 *
 * @throws InputError not a month, a month that is not over, or one that is already closed
 */
export async function planClose(ports: CommitPorts, request: UsageWriteRequest, month: string): Promise<ClosePlan> {
  const startMs = Date.parse(`${month}-01`);
  if (!/^\d{4}-\d{2}$/.test(month) || Number.isNaN(startMs)) throw noMonth(month);
  const since = `${month}-01`;
  const until = `${month}-31`;
  const nowMs = ports.clock.nowMs();
  if (dayOf(nowMs).slice(0, 7) <= month) {
    throw new InputError(`${month} is not over`, { hint: "close it once the last batches of its last day are in" });
  }
  const batches: string[] = [];
  const read = await readUsage(ports, {
    ...request,
    since,
    until,
    isThorough: true,
    onBatch: ({ name }, day) => day.startsWith(month) && batches.push(batchKey(name)),
  });
  if (read.closed.length > 0) {
    throw new InputError(
      `${month} is closed: ${read.closed[0]?.written.by} closed it on ${read.closed[0]?.written.at}`,
      {
        hint: "`vsync usage` lists what came later as late",
      },
    );
  }
  requireUsageKey(read);
  const content = monthJson({ month, batches, cells: read.totals.cells });
  const key = MONTHS_PREFIX + month;
  return { read, totals: read.totals, month, write: () => create(ports, request, read, key, content) };
}

function noMonth(month: string): InputError {
  return new InputError(`${JSON.stringify(month)} is not a month`, { hint: "give one such as 2026-11" });
}

/** The batches of a day that compacting puts into one object. */
export interface CompactPlan {
  readonly day: string;
  readonly read: ReadUsage;
  /** The keys of the objects that it replaces; those that are left, if compacting was cut short. */
  readonly keys: readonly string[];
  /**
   * Writes the object, then removes those that it replaces.
   *
   * @throws ConflictError somebody compacted the day in the meantime
   */
  readonly write: () => Promise<void>;
}

/**
 * Reads the batches of a day in order to put them into one object, or to go on where compacting was cut short.
 *
 * @throws InputError not a day, a day that ended less than three days ago, or one that is already compacted
 */
export async function planCompact(ports: CommitPorts, request: UsageWriteRequest, day: string): Promise<CompactPlan> {
  const startMs = Date.parse(day);
  if (dayOf(startMs) !== day) {
    throw new InputError(`${JSON.stringify(day)} is not a day`, { hint: "give one such as 2026-11-29" });
  }
  if (ports.clock.nowMs() < startMs + DAY_MS + SETTLED_AFTER_MS) {
    throw new InputError(`${day} was less than three days ago, so its batches may still arrive`, {
      hint: "compact an older day",
    });
  }
  const key = DAYS_PREFIX + day;
  const isWritten = (await ports.store.head(key)) !== null;
  const batches: OpenedBatch[] = [];
  const onBatch = (batch: OpenedBatch) => batch.name.day === day && batches.push(batch);
  const read = await readUsage(ports, { ...request, since: day, until: day, onBatch });
  requireUsageKey(read);
  const left = read.left.filter((it) => parseBatchKey(it)?.day === day);
  if (isWritten && left.length === 0) {
    throw new InputError(`${day} is already compacted`, { hint: "what came later stays in its own batches" });
  }
  const keys = isWritten ? left : batches.map(({ name }) => batchKey(name));
  return {
    day,
    read,
    keys,
    async write() {
      if (!isWritten) await create(ports, request, read, key, dayJson(day, batches));
      const done = `${key} is written; `;
      await removeAll(ports.store, keys, { done, what: "batches", command: "vsync usage compact" });
    },
  };
}

/**
 * Records once that an event does not count, no matter which object holds it.
 *
 * @param token limits it to the event of this token
 */
export async function voidEvent(
  ports: CommitPorts,
  request: UsageWriteRequest,
  { id, token }: { readonly id: string; readonly token?: string | undefined },
): Promise<{ readonly before: ReadUsage; readonly wasVoid: boolean }> {
  let isThere = false;
  const onBatch = ({ name, events }: OpenedBatch) => {
    isThere ||= (token === undefined || name.token === token) && events.some(({ event }) => event.id === id);
  };
  const before = await readUsage(ports, { ...request, onBatch });
  if (!isThere) {
    throw new InputError(`no event has the id ${JSON.stringify(id)}`, {
      hint: "give the id under which the app or the gateway recorded it",
    });
  }
  if (before.isVoid(token, id)) return { before, wasVoid: true };
  const { note } = request.annotation;
  const content = { id, ...(token === undefined ? {} : { token }), ...(note === undefined ? {} : { note }) };
  await create(ports, request, before, VOIDS_PREFIX + ulid(ports.clock.nowMs(), ports.random), content);
  return { before, wasVoid: false };
}

/** Without a usage key, nothing can ever have been reported. */
function requireUsageKey({ manifest, roll }: ReadUsage): void {
  if (roll.usage_keys !== undefined) return;
  throw new InputError(`no token of ${manifest.env} could ever report usage`, {
    hint: `\`vsync tokens create ${manifest.env} --capabilities=metering\` makes one that may`,
  });
}

async function create(
  ports: CommitPorts,
  { annotation: { actor } }: UsageWriteRequest,
  { manifest, roll }: ReadUsage,
  key: string,
  content: JsonObject,
): Promise<void> {
  const sealed = { vault: manifest.vault, keys: roll.usage_keys ?? [] };
  const at = new Date(ports.clock.nowMs()).toISOString();
  const bytes = sealOperatorObject(sealed, key, { by: `${actor.user}@${actor.host}`, at }, content);
  try {
    await ports.store.create(key, bytes);
  } catch (error) {
    if (error instanceof ConflictError) throw new ConflictError(`somebody else wrote ${key} first`);
    throw error;
  }
}
