import { isDeepStrictEqual } from "node:util";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import type { World } from "../../../test/support/world.ts";
import { type Machine } from "../../../test/support/world.ts";
import { commitNext, expectChain, expectReconciles, sightsOf, writerOf } from "../aftermath.ts";
import type { Sights } from "../use-cases.ts";
import type { Ending } from "./ending.ts";
import type { Judged } from "./operations.ts";

/** The state after one fault. */
export interface Aftermath {
  /** False if the operation ended before the fault, which then was not injected. */
  readonly met: boolean;
  readonly ending: Ending;
  /** A copy of the store's objects, as another machine sees them. */
  readonly look: () => Promise<World>;
  /** The next machine on the same store, without faults. */
  readonly next: Machine;
}

/** The states in which an operation may leave its vault. */
export interface Allowed {
  readonly old: readonly Sights[];
  readonly new: readonly Sights[];
}

export interface Verdict {
  /** The generation that opens; null if neither opens, or both. */
  readonly state: "old" | "new" | null;
  /** The vault is in neither the old nor the new state, or its audit chain does not verify. */
  readonly lost: string | null;
  /** The next command fails. */
  readonly stuck: string | null;
  /** The command misreported what happened. */
  readonly silent: string | null;
}

export function allowedOf({ before, after }: Judged): Allowed {
  return { old: [before], new: [after] };
}

/** Examines the state after a fault, then makes the next commit on top. `number` chooses the kind of commit. */
export async function judge(
  operation: Judged,
  allowed: Allowed,
  aftermath: Aftermath,
  number: number,
): Promise<Verdict> {
  const world = await aftermath.look();
  const sights = await sightsOf(world);
  const chain = await chainOf(world, sights);
  const state = stateOf(operation, allowed, sights, chain.outstanding);
  return {
    state,
    lost: state === null ? `what opens is ${JSON.stringify(sights)}` : chain.fault,
    stuck: await failureOf(() => goOn(aftermath, world, writerOf(sights), number)),
    silent: silenceOf(operation, aftermath.ending, state, chain.outstanding),
  };
}

interface Chain {
  readonly outstanding: number | null;
  readonly fault: string | null;
}

async function chainOf(world: World, sights: Sights): Promise<Chain> {
  if (!world.store.bucket.has(MANIFEST_KEY)) return { outstanding: null, fault: null };
  let outstanding: number | null = null;
  const fault = await failureOf(async () => {
    outstanding = await expectChain(world, writerOf(sights));
    await expectReconciles(world.fork(), writerOf(sights), outstanding);
  });
  return { outstanding, fault };
}

function stateOf(operation: Judged, allowed: Allowed, sights: Sights, outstanding: number | null): Verdict["state"] {
  const isOneOf = (states: readonly Sights[]) => states.some((state) => isDeepStrictEqual(sights, state));
  // `reconcile` changes only the row.
  if (operation.name === "reconcile" && isOneOf(allowed.old)) return outstanding === null ? "new" : "old";
  if (isOneOf(allowed.old)) return "old";
  return isOneOf(allowed.new) ? "new" : null;
}

function silenceOf(
  operation: Judged,
  ending: Ending,
  state: Verdict["state"],
  outstanding: number | null,
): string | null {
  const changes = !isDeepStrictEqual(operation.before, operation.after) || operation.name === "reconcile";
  switch (ending.said) {
    case "idle":
      // With its clock set back, a gc finds nothing old enough.
      return changes && state === "old" && operation.name !== "gc" ? "it said nothing, and nothing has changed" : null;
    case "done":
    case "outstanding":
      if (changes && state === "old") return "it said that it was done, and nothing has changed";
      return ending.said === "done" && outstanding !== null ? "it did not say that a row is outstanding" : null;
    case "refused":
      // A gc that cannot remove bundles has committed, and says so.
      if (!changes || state !== "new" || /: generation \d+ is committed;/.test(ending.message)) return null;
      return `it said that it was refused, and has committed: ${ending.message}`;
    case "crashed":
      return ending.message;
    case "unknown":
    case "nothing":
      return null;
    default:
      return ending satisfies never;
  }
}

async function goOn({ next, look }: Aftermath, before: World, writer: string, number: number): Promise<void> {
  const kind = before.store.bucket.has(MANIFEST_KEY) ? number : 0;
  const after = await commitNext(next, writer, kind);
  const outstanding = await expectChain(await look(), after);
  if (outstanding !== null) throw new TypeError(`row ${outstanding} is outstanding after the next commit`);
}

async function failureOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return String(error);
  }
}
