import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { type FaultHook, MemoryStore } from "../../../test/support/memory-store.ts";
import type { World } from "../../../test/support/world.ts";
import { clockAt, HOUR_MS } from "../../../test/support/world.ts";
import { sightsOf, writerOf } from "../aftermath.ts";
import { type Fault, failingAt, faultsOf } from "../failing-store.ts";
import { alteredStore } from "./altered-store.ts";
import { endingOf } from "./ending.ts";
import type { Aftermath, Allowed } from "./judge.ts";
import type { Operation } from "./operations.ts";
import type { Trial } from "./trial.ts";

const DAY_MS = 24 * HOUR_MS;
const level = "domain";

/** Every fault around every request of an undisturbed operation. */
export async function domainTrials(operation: Operation): Promise<Trial[]> {
  const undisturbed = operation.world.fork();
  await operation.act(undisturbed);
  const { requests } = undisturbed.store;
  const allowed = await allowedWithRival(operation);
  return requests.flatMap((request, at) => {
    const detail = `request ${at + 1}, ${request.operation} ${request.key}`;
    const bodies = request.operation === "get" ? bodyTrials(operation, at, detail) : [];
    const faults = faultsOf(request).map((fault) => failingTrial(operation, at, fault, detail));
    return [...faults, ...bodies, ...clockTrials(operation, at, detail), rivalTrial(operation, at, detail, allowed)];
  });
}

const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/^killed/, "killed"],
  [/^unreachable/, "unreachable"],
  [/^denied/, "403"],
  [/^answer lost/, "answer lost"],
];

function failingTrial(operation: Operation, at: number, fault: Fault, detail: string): Trial {
  const name = CLASSES.find(([pattern]) => pattern.test(fault.name))?.[1] ?? fault.name;
  const start = (): World => operation.world.fork();
  const run = async (): Promise<Aftermath> => {
    const world = start();
    const ending = await endingOf(() => operation.act(failingAt(world, at, fault)));
    return { met: true, ending, look: async () => world.fork(), next: world };
  };
  return { level, operation, fault: name, detail: `${detail}, ${fault.name}`, run };
}

const BODIES: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ["empty", () => new Uint8Array()],
  ["half", (bytes) => bytes.slice(0, bytes.length >> 1)],
  ["one byte short", (bytes) => bytes.slice(0, -1)],
  ["one byte long", (bytes) => Uint8Array.of(...bytes, 0x0a)],
  ["one bit flipped", (bytes) => bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte))],
];

function bodyTrials(operation: Operation, at: number, detail: string): Trial[] {
  return BODIES.map(([name, change]) => {
    const run = async (): Promise<Aftermath> => {
      const world = operation.world.fork();
      const store = new MemoryStore({ bucket: world.store.bucket });
      let met = false;
      const altering = alteredStore(store, {
        async get(key, options) {
          const stored = await store.get(key, options);
          if (stored === null || store.requests.length - 1 !== at) return stored;
          met = true;
          return { ...stored, bytes: change(stored.bytes) };
        },
      });
      const ending = await endingOf(() => operation.act(world.with({ store: altering })));
      return { met, ending, look: async () => world.fork(), next: world };
    };
    return { level, operation, fault: "body cut or altered", detail: `${detail}, ${name}`, run };
  });
}

/** The machine's clock jumps back and stays back for the next command. */
function clockTrials(operation: Operation, at: number, detail: string): Trial[] {
  return [HOUR_MS / 2, 10 * 365 * DAY_MS].map((byMs) => {
    const run = async (): Promise<Aftermath> => {
      const world = operation.world.fork();
      const nowMs = world.clock.ms;
      let asked = -1;
      world.store.faults = {
        before: () => {
          if (++asked === at) world.clock.ms = nowMs - byMs;
        },
      };
      const ending = await endingOf(() => operation.act(world));
      const next = world.with({ store: new MemoryStore({ bucket: world.store.bucket }) });
      return { met: asked >= at, ending, look: async () => next.fork(), next };
    };
    return { level, operation, fault: "clock jumps back", detail: `${detail}, by ${byMs / HOUR_MS} h`, run };
  });
}

/** Another machine commits just before the request. */
function rivalTrial(operation: Operation, at: number, detail: string, allowed: Allowed): Trial {
  const run = async (): Promise<Aftermath> => {
    const world = operation.world.fork();
    let asked = -1;
    let met = false;
    const faults: FaultHook = {
      async before() {
        if (++asked !== at) return;
        met = await rival(world.with({ store: new MemoryStore({ bucket: world.store.bucket }) }));
      },
    };
    const machine = world.with({ store: new MemoryStore({ bucket: world.store.bucket, faults }) });
    const ending = await endingOf(() => operation.act(machine));
    return { met, ending, look: async () => world.fork(), next: world };
  };
  return { level, operation, fault: "another writer first", detail, run, allowed };
}

/** False if it comes too late: its passphrase was rotated away. */
async function rival(machine: World): Promise<boolean> {
  const it = machine.with({ clock: clockAt(machine.clock.ms) });
  const writer = writerOf(await sightsOf(it));
  if (!machine.store.bucket.has(MANIFEST_KEY)) await it.push({ RIVAL: "1" });
  else await it.set({ RIVAL: "1" }, { by: writer });
  return true;
}

/** The two must end as if one had run after the other. */
async function allowedWithRival(operation: Operation): Promise<Allowed> {
  const alone = operation.world.fork();
  await rival(alone);
  const first = alone.fork();
  await operation.act(first).catch(() => null);
  const second = operation.world.fork();
  await operation.act(second);
  await rival(second);
  const [old, ...after] = await Promise.all([alone, first, second].map((world) => sightsOf(world)));
  if (old === undefined) throw new TypeError("no world");
  return { old: [old], new: after };
}
