import { AccessDeniedError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import { type FaultHook, MemoryStore, type StoreRequest } from "../../test/support/memory-store.ts";
import type { World } from "../../test/support/world.ts";

/** Simulates a killed process. Our code must not catch this and continue. */
export class ProcessDeath extends Error {}

/** A fault around one request: before it reaches the store, or on the way back. */
export interface Fault {
  readonly name: string;
  readonly when: "before" | "after";
  /** Every later request fails the same way. */
  readonly lasting: boolean;
  readonly error: () => Error;
}

const death = () => new ProcessDeath("SIGKILL");
const unreachable = () => new S3UnreachableError("injected: connection refused");
const denied = () => new AccessDeniedError("injected: 403");
const unknown = () => new OutcomeUnknownError("injected: no answer, and reading back failed");

const ALWAYS: readonly Fault[] = [
  { name: "killed before", when: "before", lasting: true, error: death },
  { name: "killed after", when: "after", lasting: true, error: death },
  { name: "unreachable once", when: "before", lasting: false, error: unreachable },
  { name: "unreachable from there on", when: "before", lasting: true, error: unreachable },
  { name: "denied once", when: "before", lasting: false, error: denied },
];
const OF_WRITES: readonly Fault[] = [
  { name: "answer lost, not applied", when: "before", lasting: false, error: unknown },
  { name: "answer lost, applied", when: "after", lasting: false, error: unknown },
  { name: "answer lost, applied, nothing answers any more", when: "after", lasting: true, error: unknown },
];
const OF_REMOVALS: readonly Fault[] = [
  { name: "answer lost, applied", when: "after", lasting: false, error: unreachable },
];

/** The failures that the contract of `ObjectStore` allows around a request. */
export function faultsOf({ operation }: Pick<StoreRequest, "operation">): readonly Fault[] {
  if (operation === "create" || operation === "replace") return [...ALWAYS, ...OF_WRITES];
  return operation === "delete" ? [...ALWAYS, ...OF_REMOVALS] : ALWAYS;
}

/** The same machine over the same objects, with `fault` around its request number `at` (from 0). */
export function failingAt(world: World, at: number, fault: Fault): World {
  const store = new MemoryStore({ bucket: world.store.bucket });
  /** Requests by number, because some run in parallel. */
  const numbers = new Map<StoreRequest, number>();
  let over = false;
  const failAt = (when: Fault["when"], request: StoreRequest) => {
    if ((numbers.get(request) === at && when === fault.when) || (over && when === "before")) {
      over = fault.lasting;
      throw fault.error();
    }
  };
  const faults: FaultHook = {
    before: (request) => {
      numbers.set(request, numbers.size);
      failAt("before", request);
    },
    after: (request) => failAt("after", request),
  };
  store.faults = faults;
  return world.with({ store });
}
