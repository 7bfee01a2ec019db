import type { Fault } from "../../../test/support/strict-s3/faults.ts";
import type { ProgramOperation } from "./program-operations.ts";

/** One request of an undisturbed command. */
export interface Boundary {
  /** Its number, from 0. */
  readonly at: number;
  readonly method: string;
  readonly key: string;
  /** The number of the request that swaps the manifest, or -1. */
  readonly swapAt: number;
}

export interface Variant {
  readonly class: string;
  readonly name: string;
  /** The fault of this request, then of every later one. */
  readonly faults: readonly [Fault, Fault?];
  /** The trial spends seconds waiting. */
  readonly waits: boolean;
}

const answer = (status: number, code: string): Fault => ({ kind: "answer", apply: false, status, code });
const applied = (status: number, code: string): Fault => ({ kind: "answer", apply: true, status, code });
const dropped: Fault = { kind: "drop", apply: false };
const quick = { waits: false };
const SLOW_DOWN = answer(503, "SlowDown");

const once = (name: string, fault: Fault): Variant => ({ class: name, name: "once", faults: [fault], ...quick });
const lasting = (name: string, fault: Fault): Variant => {
  return { class: name, name: "from there on", faults: [fault, fault], ...quick };
};

const ALWAYS: readonly Variant[] = [
  once("403", answer(403, "AccessDenied")),
  lasting("403", answer(403, "AccessDenied")),
  once("409", answer(409, "ConditionalRequestConflict")),
  lasting("409", answer(409, "ConditionalRequestConflict")),
  once("412", answer(412, "PreconditionFailed")),
  lasting("412", answer(412, "PreconditionFailed")),
  once("500", answer(500, "InternalError")),
  lasting("500", answer(500, "InternalError")),
  // Every later request fails too, so the call uses up its whole minute.
  once("503", SLOW_DOWN),
  once("unreachable", dropped),
  lasting("unreachable", dropped),
  { class: "slow or hanging", name: "late", faults: [{ kind: "delay", ms: 400 }], ...quick },
  { class: "slow or hanging", name: "hangs once", faults: [{ kind: "hang", apply: false }], waits: true },
];

const OF_WRITES: readonly Variant[] = [
  { class: "answer lost", name: "dropped", faults: [{ kind: "drop", apply: true }], ...quick },
  {
    class: "answer lost",
    name: "dropped, as all after it",
    faults: [{ kind: "drop", apply: true }, dropped],
    ...quick,
  },
  { class: "answer lost", name: "500", faults: [applied(500, "InternalError")], ...quick },
  { class: "answer lost", name: "502 of a proxy", faults: [applied(502, "")], ...quick },
  { class: "answer lost", name: "503 SlowDown", faults: [applied(503, "SlowDown")], ...quick },
  { class: "answer lost", name: "hangs", faults: [{ kind: "hang", apply: true }], waits: true },
];

const OF_BODIES: readonly Variant[] = [
  { class: "body cut or altered", name: "cut at 7 bytes", faults: [{ kind: "truncate", bytes: 7 }], ...quick },
  { class: "slow or hanging", name: "drips", faults: [{ kind: "drip", bytes: 400, ms: 5 }], ...quick },
];

export function faultsAt({ method }: Boundary): readonly Variant[] {
  return [...ALWAYS, ...(method === "PUT" ? OF_WRITES : method === "GET" ? OF_BODIES : [])];
}

/** The exit codes in docs/exit-codes.md for a command that this fault ends before it commits. */
export function documentedCodes(
  { args }: Pick<ProgramOperation, "args">,
  { at, method, key, swapAt }: Boundary,
  variant: Variant,
): readonly number[] {
  const isRotation = args[0] === "rotate-passphrase";
  if (isRotation && at === swapAt) return [3];
  if (method === "PUT" && variant.class === "412") {
    // A row that the store claims to have but does not, or that cannot be read.
    if (key.includes("/audit/")) return [variant.faults.length === 1 ? 6 : isRotation ? 2 : 3];
    // Every name for the bundle is taken, as if others had been faster a hundred times. Verbs that try again read first.
    const triesAgain = args[0] === "tokens" && (args[1] === "create" || args[1] === "rotate");
    return [isRotation || triesAgain ? 3 : 5];
  }
  return [isRotation || variant.class === "403" ? 2 : 3];
}
