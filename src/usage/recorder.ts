import { decodeBase64 } from "../crypto/base64.ts";
import { ConflictError } from "../errors.ts";
import type { Clock, ObjectStore, Random } from "../ports.ts";
import { type BatchPlace, type BatchWriter, dayOf, MAX_BATCH_EVENTS, type SealedBatch, sealBatch } from "./batch.ts";
import { encodeEvent, eventFault, parseEvent, type UsageEvent } from "./event.ts";
import { MeteringError } from "./meters.ts";
import { ulid } from "./ulid.ts";

/** Keeps events on this machine's disk until they are in a batch. Survives a kill of the process. */
export interface Spool {
  /**
   * Resolves once the lines would survive a kill.
   *
   * @throws if the disk cannot store them
   */
  append(lines: readonly string[]): Promise<void>;
  /** Takes over the lines that ended processes left here. */
  takeLeft(): Promise<readonly string[]>;
  /** Everything appended and taken so far, to be removed once it is in batches. */
  cut(): Promise<SpoolPart>;
}

export interface SpoolPart {
  remove(): Promise<void>;
}

export interface RecorderParts {
  readonly store: Pick<ObjectStore, "create" | "label">;
  readonly writer: BatchWriter;
  /** Base64 of the vault's public usage key in the newest generation; undefined if the token has none. */
  readonly usageKey: () => Promise<string | undefined>;
  /** If null, events that are not in a batch yet are lost with the process. */
  readonly spool: Spool | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly warn: (message: string) => void;
  /** The most events that may wait while the store accepts none. Default 100 000. */
  readonly maxWaiting?: number;
  /** Calls `work` once, after `ms` milliseconds. */
  readonly later: (work: () => void, ms: number) => void;
}

const FLUSH_MS = 60_000;
const MAX_WAITING = 100_000;
/** Half of what a reader accepts. */
const MAX_BATCH_CONTENT_BYTES = 8 * 1024 * 1024;
const INSTANCE_BYTES = 8;

interface Waiting {
  readonly events: readonly UsageEvent[];
  readonly sealed: SealedBatch;
}

/**
 * Records usage events: at once on this machine's disk, and in batches in the store, every 60 s or 5000 events and at
 * the end. An idle process writes nothing.
 */
export class UsageRecorder {
  readonly #parts: RecorderParts;
  readonly #instance: string;
  #place: Omit<BatchPlace, "instance"> = { seq: 1, prev: null };
  #events: UsageEvent[] = [];
  /** A batch that may already be in the store. It must be written again unchanged, before any other. */
  #unwritten: Waiting | null = null;
  #spooled: SpoolPart[] = [];
  /** The lines of the next write to the disk. */
  #appending: string[] | null = null;
  /** Settles once the disk has everything so far. */
  #appended = Promise.resolve();
  #writing: Promise<void> | null = null;
  #isTimed = false;
  #warned = { store: false, spool: false };
  #ready: Promise<void> | null = null;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#instance = Buffer.from(parts.random.bytes(INSTANCE_BYTES)).toString("hex");
  }

  /** How many events are not in a batch yet. */
  get waiting(): number {
    return this.#events.length + (this.#unwritten?.events.length ?? 0);
  }

  /**
   * Resolves once the event would survive a kill of the process, or without a working disk, once it is in memory. An
   * event recorded again with the same id counts once a day.
   *
   * @throws MeteringError not_recorded: too many events are waiting, or the event is too large
   */
  async record(event: UsageEvent): Promise<void> {
    const fault = eventFault(event);
    if (fault !== null) throw new MeteringError("not_recorded", `the usage event ${fault}`);
    await this.start();
    if (this.waiting >= (this.#parts.maxWaiting ?? MAX_WAITING)) {
      throw new MeteringError("not_recorded", `${this.waiting} usage events wait for ${this.#parts.store.label}`);
    }
    this.#events.push(event);
    this.#flushLater();
    await this.#spool(encodeEvent(event));
    if (this.#events.length >= MAX_BATCH_EVENTS) void this.#flushQuietly();
  }

  /**
   * Writes the waiting events.
   *
   * @throws what the store throws; the events keep waiting
   */
  async flush(): Promise<void> {
    await this.start();
    // Events recorded during a flush belong to the next one.
    await this.#writing?.catch(() => undefined);
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
    await this.#writing;
  }

  /** At the end of the process: writes the waiting events, or warns that they stay where they are. */
  async close(): Promise<void> {
    this.#warned.store = false;
    await this.#flushQuietly();
  }

  /** Takes over what earlier processes of this token left on the disk. */
  start(): Promise<void> {
    this.#ready ??= this.#takeLeft();
    return this.#ready;
  }

  async #takeLeft(): Promise<void> {
    const { spool } = this.#parts;
    if (spool === null) return;
    try {
      for (const line of await spool.takeLeft()) {
        const event = eventIn(line);
        if (event !== null) this.#events.push(event);
      }
      if (this.#events.length > 0) this.#flushLater();
    } catch (error) {
      this.#warnOnce("spool", `cannot read usage that an earlier process left on the disk: ${messageOf(error)}`);
    }
  }

  /** Events that arrive while the disk is busy share the next write. */
  #spool(line: string): Promise<void> {
    const { spool } = this.#parts;
    if (spool === null) return Promise.resolve();
    if (this.#appending !== null) {
      this.#appending.push(line);
      return this.#appended;
    }
    const lines = [line];
    this.#appending = lines;
    this.#appended = this.#appendAfter(this.#appended, spool, lines);
    return this.#appended;
  }

  async #appendAfter(before: Promise<void>, spool: Spool, lines: readonly string[]): Promise<void> {
    await before;
    this.#appending = null;
    await this.#append(spool, lines);
  }

  async #append(spool: Spool, lines: readonly string[]): Promise<void> {
    try {
      await spool.append(lines);
      this.#warned.spool = false;
    } catch (error) {
      this.#warnOnce("spool", `usage is kept only in memory, and lost if the process is killed: ${messageOf(error)}`);
    }
  }

  #flushLater(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#parts.later(() => {
      this.#isTimed = false;
      void this.#flushQuietly();
    }, FLUSH_MS);
  }

  async #flushQuietly(): Promise<void> {
    try {
      await this.flush();
      this.#warned.store = false;
    } catch (error) {
      const { label } = this.#parts.store;
      this.#warnOnce(
        "store",
        `${this.waiting} usage events wait for ${label}, tried every minute: ${messageOf(error)}`,
      );
    }
    if (this.waiting > 0) this.#flushLater();
  }

  #warnOnce(about: "store" | "spool", message: string): void {
    if (this.#warned[about]) return;
    this.#warned[about] = true;
    this.#parts.warn(message);
  }

  async #write(): Promise<void> {
    await this.#appended;
    const part = await this.#parts.spool?.cut().catch(() => undefined);
    if (part !== undefined) this.#spooled.push(part);
    const spooled = this.#spooled.length;
    let left = this.#events.length;
    if (this.#unwritten !== null) await this.#writeBatch(this.#unwritten);
    while (left > 0) {
      const events = firstBatchOf(this.#events.slice(0, left));
      const sealed = await this.#seal(events);
      this.#events.splice(0, events.length);
      left -= events.length;
      this.#unwritten = { events, sealed };
      await this.#writeBatch(this.#unwritten);
    }
    for (const written of this.#spooled.splice(0, spooled)) await written.remove().catch(() => undefined);
  }

  async #seal(events: readonly UsageEvent[]): Promise<SealedBatch> {
    const { writer, clock, random } = this.#parts;
    const usageKey = decodeBase64((await this.#parts.usageKey()) ?? "");
    if (usageKey?.length !== 32)
      throw new MeteringError("not_recorded", "the token has no usage key: give it the capability metering");
    const name = { day: dayOf(events[0]?.at ?? 0), ulid: ulid(clock.nowMs(), random) };
    const sealed = sealBatch(writer, usageKey, name, { instance: this.#instance, ...this.#place }, events);
    this.#place = { seq: this.#place.seq + 1, prev: sealed.digest };
    return sealed;
  }

  async #writeBatch({ sealed }: Waiting): Promise<void> {
    try {
      await this.#parts.store.create(sealed.key, sealed.bytes);
    } catch (error) {
      // Only we can have this name, so an earlier try wrote it and its response was lost.
      if (!(error instanceof ConflictError)) throw error;
    }
    this.#unwritten = null;
  }
}

/** Events of one day, as many as fit into a batch. */
function firstBatchOf(events: readonly UsageEvent[]): readonly UsageEvent[] {
  const day = dayOf(events[0]?.at ?? 0);
  let bytes = 0;
  const end = events.findIndex((event, at) => {
    bytes += Buffer.byteLength(encodeEvent(event));
    return at === MAX_BATCH_EVENTS || bytes > MAX_BATCH_CONTENT_BYTES || dayOf(event.at) !== day;
  });
  return end === -1 ? events : events.slice(0, end);
}

class SpoolFault extends Error {}

/** Null for a line that a full disk has cut short. */
function eventIn(line: string): UsageEvent | null {
  try {
    return parseEvent(line, (fault) => new SpoolFault(fault));
  } catch (error) {
    if (error instanceof SpoolFault) return null;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
