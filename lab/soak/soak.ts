import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { ObjectStore } from "../../src/ports.ts";
import { AUDIT_PREFIX, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { type FaultHook, MemoryStore, type StoreRequest } from "../../test/support/memory-store.ts";
import { clockAt, secretsOf, World } from "../../test/support/world.ts";
import { type Ending, endingOf } from "../faults/campaign/ending.ts";
import { type Fault, faultsOf } from "../faults/failing-store.ts";
import { Interleaving } from "../faults/interleaving.ts";
import { Dice } from "./dice.ts";
import { Model } from "./model.ts";
import { type Done, give } from "./person.ts";
import { type Assignment, assign } from "./plan.ts";

/** Every step verifies this many rows; the end verifies all of them. */
const ROWS_LOOKED_AT = 5;

/** One command and its outcome. */
interface Act extends Assignment {
  readonly ending: Ending;
  readonly done: Done | null;
  /** Whether it met a fault on its way to the store. */
  readonly met: boolean;
  readonly nowMs: number;
}

export interface Report {
  readonly steps: number;
  readonly simulatedMs: number;
  readonly generations: number;
  readonly faults: number;
  /** Counts by outcome, for each kind of command. */
  readonly commands: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Random writers and readers over one store, compared with a model after every step. */
export class Soak {
  readonly #seed: number;
  readonly #spoil: (store: MemoryStore) => ObjectStore;
  readonly #dice: Dice;
  readonly #world: World;
  readonly #model = new Model();
  readonly #bundles: string[] = [];
  readonly #removed = new Set<string>();
  readonly #commands: Record<string, Record<string, number>> = {};
  #steps = 0;
  #given = 0;
  #faults = 0;
  #elapsedMs = 0;

  private constructor(seed: number, world: World, spoil: (store: MemoryStore) => ObjectStore) {
    this.#seed = seed;
    this.#spoil = spoil;
    this.#dice = new Dice(seed);
    this.#world = world;
  }

  /** `spoil` turns a sound store into the one that everybody uses. */
  static async begin(seed: number, spoil: (store: MemoryStore) => ObjectStore = (store) => store): Promise<Soak> {
    return new Soak(seed, await World.empty(`soak ${seed}`), spoil);
  }

  get report(): Report {
    const { length } = this.#model.generations;
    const counts = { steps: this.#steps, simulatedMs: this.#elapsedMs, generations: length, faults: this.#faults };
    return { ...counts, commands: this.#commands };
  }

  /** Runs until that much simulated time has passed, or until `isOver` returns true. */
  async run(simulatedMs: number, isOver: () => boolean = () => false): Promise<Report> {
    while (this.#elapsedMs < simulatedMs && !isOver()) await this.#step();
    const { manifest } = await this.#observer().open(this.#model.current.passphrase);
    await this.#world.verify(manifest);
    return this.report;
  }

  async #step(): Promise<void> {
    this.#steps++;
    this.#passTime();
    const people = this.#model.generations.length === 0 ? 1 : Number(this.#dice.weighted({ 1: 6, 2: 3, 3: 2 }));
    const assignments = Array.from({ length: people }, () => assign(this.#dice, this.#model, `c${++this.#given}`));
    const acts = await this.#perform(assignments);
    try {
      await this.#check(acts);
    } catch (error) {
      const told = acts.map(({ done: _, ...act }) => JSON.stringify(act)).join("\n");
      throw new Error(`seed ${this.#seed}, step ${this.#steps}:\n${told}`, { cause: error });
    }
  }

  #passTime(): void {
    const ms = this.#dice.between(200, 4_000);
    this.#elapsedMs += ms;
    // Sometimes somebody corrects the clocks.
    this.#world.clock.ms += this.#dice.isLucky(0.01) ? -this.#dice.between(0, 90_000) : ms;
  }

  async #perform(assignments: readonly Assignment[]): Promise<Act[]> {
    const acts: Act[] = [];
    await new Interleaving(`${this.#seed}|${this.#steps}`).run(assignments.length, async (hook, at) => {
      const assignment = assignments[at] ?? assert.fail();
      const faulty = new FaultyWay(hook, assignment.faultAt, this.#dice);
      const nowMs = this.#world.clock.ms + assignment.skewMs;
      const store = this.#spoil(new MemoryStore({ bucket: this.#world.store.bucket, faults: faulty }));
      const machine = this.#world.with({ store, clock: clockAt(nowMs) });
      let done: Done | null = null;
      const ending = await endingOf(async () => {
        done = await give(machine, assignment.command, assignment.passphrase, assignment.id);
        return done.committed;
      });
      acts.push({ ...assignment, ending, done, met: faulty.met, nowMs });
    });
    for (const act of acts) this.#count(act);
    return acts;
  }

  #count({ command, ending, met }: Act): void {
    const counts = (this.#commands[command.kind] ??= {});
    counts[ending.said] = (counts[ending.said] ?? 0) + 1;
    if (met) this.#faults++;
  }

  #observer(): World {
    return this.#world.peer();
  }

  async #check(acts: readonly Act[]): Promise<void> {
    const before = this.#model.current;
    const alone = acts.length === 1 ? acts[0] : undefined;
    const expected = alone === undefined ? null : this.#expected(alone);
    await this.#follow(acts);
    for (const act of acts) this.#checkSaid(act, before.gen, acts);
    if (alone !== undefined && expected !== null) assert.equal(alone.ending.said, expected, "what it said");
    await this.#checkSights();
    for (const [index, key] of this.#bundles.entries()) {
      const isThere = this.#world.store.bucket.has(key) || this.#removed.has(key);
      assert.ok(isThere, `the bundle of generation ${index + 1} is gone`);
    }
  }

  /** Replays in the model every commit that the audit log shows since the last step, in order. */
  async #follow(acts: readonly Act[]): Promise<void> {
    const { store } = this.#world;
    const known = this.#model.current.gen;
    if (!store.bucket.has(MANIFEST_KEY)) return;
    const { manifest } = await this.#openAny(acts);
    const { rows, outstanding } = await this.#world.verify(manifest, { downTo: Math.max(1, known - ROWS_LOOKED_AT) });
    const missing = outstanding === null ? [] : [manifest];
    const fresh = [...missing, ...rows].filter(({ gen }) => gen > known).toReversed();
    for (const { gen, at, note, bundle, meta } of fresh) {
      const act = acts.find(({ id }) => id === note) ?? assert.fail(`generation ${gen} is nobody's: ${note}`);
      assert.equal(gen, this.#model.current.gen + 1);
      this.#model.commit(act.command, act.passphrase, Date.parse(at));
      this.#bundles.push(bundle.key);
      if (act.command.kind === "gc") this.#remove(meta["removed"] as string[], act.command.keep, gen);
    }
    const told = acts.find(({ id }) => id === manifest.note)?.ending.said;
    if (outstanding !== null && manifest.gen > known) assert.notEqual(told, "done", "its row is outstanding");
    assert.equal(manifest.gen, this.#model.current.gen);
    assert.ok([...store.bucket.keys()].filter((key) => key.startsWith(AUDIT_PREFIX)).length >= manifest.gen - 1);
  }

  #remove(keys: readonly string[], keep: number, gen: number): void {
    // Its own commit comes on top of those that it has counted.
    const kept = this.#bundles.slice(-keep - 1);
    for (const key of keys) assert.ok(!kept.includes(key), `generation ${gen} removes ${key}`);
    for (const key of keys) this.#removed.add(key);
  }

  async #openAny(acts: readonly Act[]): ReturnType<World["open"]> {
    const rotatedTo = acts.flatMap(({ command }) => (command.kind === "rotate" ? [command.to] : []));
    const first = acts.map(({ passphrase }) => passphrase);
    for (const passphrase of [...rotatedTo, this.#model.current.passphrase, ...first]) {
      const opened = await this.#observer()
        .open(passphrase)
        .catch(() => null);
      if (opened !== null) return opened;
    }
    return assert.fail("no passphrase opens the vault");
  }

  #checkSaid({ id, command, ending, done }: Act, genBefore: number, acts: readonly Act[]): void {
    const gen = done?.committed?.manifest.gen;
    switch (ending.said) {
      case "done":
      case "outstanding":
        assert.ok(gen !== undefined && gen > genBefore && gen <= this.#model.current.gen, `${id} is not in the log`);
        return;
      case "idle":
        if (done?.seen) assert.deepEqual(done.seen.secrets, this.#model.at(done.seen.gen).secrets);
        if (done?.seen) assert.ok(done.seen.gen >= genBefore, "an older generation was seen");
        return;
      case "refused":
        if (!ending.message.startsWith("ConflictError") || acts.some(({ met }) => met)) return;
        assert.ok(this.#model.current.gen > genBefore, `${command.kind} conflicts with nobody`);
        return;
      case "crashed":
        return assert.fail(ending.message);
      case "unknown":
      case "nothing":
        return;
      default:
        return ending satisfies never;
    }
  }

  /** The outcome of a command that meets neither faults nor other writers; null if several are possible. */
  #expected({ command, passphrase, met, nowMs }: Act): Ending["said"] | null {
    if (met) return null;
    const { current } = this.#model;
    const sight = this.#model.sight(passphrase, nowMs);
    if (command.kind === "open") return typeof sight === "string" ? "refused" : "idle";
    if (current.gen > 0 && passphrase !== current.passphrase) return "refused";
    switch (command.kind) {
      case "unset":
        return command.names.every((name) => name in current.secrets) ? "done" : "refused";
      case "rotate":
        return "done";
      case "finish":
        // The next commit may already have dropped a window that has ended.
        return current.readers.length === 0
          ? "idle"
          : current.readers.some((it) => it.notAfterMs > nowMs)
            ? "done"
            : null;
      case "reconcile":
        return "idle";
      case "set":
        return "done";
      case "push":
        if (Object.keys(command.secrets).length > 0) return "done";
        // See docs/decisions/0002: a push of nothing is a mistake unless the vault is empty.
        return Object.keys(current.secrets).length > 0 ? "refused" : null;
      case "restore":
        if (command.gen === current.gen) return null;
        if (!this.#world.store.bucket.has(this.#bundles[command.gen - 1] ?? "")) return "refused";
        return isDeepStrictEqual(this.#model.at(command.gen).secrets, current.secrets) ? "idle" : "done";
      case "gc":
        return null;
      default:
        return command satisfies never;
    }
  }

  /** Checks that every recent passphrase opens the right generation, or is refused with the right error. */
  async #checkSights(): Promise<void> {
    const { generations, current } = this.#model;
    if (current.gen === 0) return;
    const passphrases = new Set(generations.slice(-8).map(({ passphrase }) => passphrase));
    for (const passphrase of passphrases) {
      const sight = this.#model.sight(passphrase, this.#world.clock.ms);
      const seen = await this.#observer()
        .open(passphrase)
        .then(
          ({ manifest, bundle }) => ({ gen: manifest.gen, secrets: secretsOf(bundle.items) }),
          (error: Error) => error.name,
        );
      const { gen, secrets } = typeof sight === "string" ? { gen: 0, secrets: {} } : sight;
      assert.deepEqual(seen, typeof sight === "string" ? sight : { gen, secrets }, passphrase);
    }
  }
}

/** One command's path to the store: in its turn, and with a fault around one request. */
class FaultyWay implements FaultHook {
  met = false;
  readonly #turn: FaultHook;
  readonly #at: number | null;
  readonly #dice: Dice;
  #fault: Fault | null = null;
  #asked = -1;

  constructor(turn: FaultHook, at: number | null, dice: Dice) {
    this.#turn = turn;
    this.#at = at;
    this.#dice = dice;
  }

  async before(request: StoreRequest): Promise<void> {
    await this.#turn.before?.(request);
    this.#asked++;
    if (this.#fault?.lasting === true) await this.#fail(this.#fault, request);
    if (this.#asked !== this.#at) return;
    this.#fault = this.#dice.pick(faultsOf(request));
    this.met = true;
    if (this.#fault.when === "before") await this.#fail(this.#fault, request);
  }

  /** Also called after a failed request, because another request of the same command may be waiting. */
  async #fail(fault: Fault, request: StoreRequest): Promise<never> {
    await this.#turn.after?.(request);
    throw fault.error();
  }

  async after(request: StoreRequest): Promise<void> {
    await this.#turn.after?.(request);
    if (this.#asked === this.#at && this.#fault?.when === "after") throw this.#fault.error();
  }
}
