import { VsyncError } from "../../errors.ts";
import type { Output } from "../terminal/output.ts";
import type { Variable } from "./caller.ts";
import { type Child, type Surroundings, startChild } from "./child.ts";
import type { Ending } from "./libc.ts";
import type { Program } from "./program.ts";
import { forwarding } from "./stay.ts";

export interface Watched {
  /** Of the program that runs first. */
  readonly variables: readonly Variable[];
  /** The variables as the vaults have them now. @throws VsyncError */
  readonly look: () => Promise<readonly Variable[]>;
  readonly programOf: (variables: readonly Variable[]) => Program;
  readonly around: Surroundings;
}

/** How often it looks, and so how often it restarts the program at most. */
const EVERY_MS = 5_000;
/** How long a program may take to end at SIGTERM. */
const PATIENCE_MS = 10_000;

/**
 * Restarts the program when the values that it gets have changed, and resolves with its end when it ends by itself. While
 * the vaults cannot be opened (the store is away, rolled back, the passphrase retired), the old program goes on.
 */
export async function watchVaults({ variables, look, programOf, around }: Watched, output: Output) {
  let current = variables;
  let child = await startChild(programOf(current), around);
  using _ = forwarding(around, (signal) => child.kill(signal));
  const say = onceEach((text: string) => output.warn(text));
  for (;;) {
    const ended = await endWithin(child, EVERY_MS);
    if (ended !== null) return ended;
    const next = await look().catch((error: unknown) => say(reasonOf(error)));
    if (next === undefined) continue;
    say(null);
    if (isSame(next, current)) continue;
    output.say("vsync: the values have changed: restarting the program");
    const stopped = await stop(child);
    // It ended by itself in this very moment.
    if (stopped !== null) return stopped;
    current = next;
    child = await startChild(programOf(current), around);
  }
}

/** The child's end, or null after the time. */
async function endWithin(child: Child, ms: number): Promise<Pick<Ending, "code" | "signal"> | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([child.ended, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function stop(child: Child): Promise<Pick<Ending, "code" | "signal"> | null> {
  const already = await endWithin(child, 0);
  if (already !== null) return already;
  child.kill("SIGTERM");
  if ((await endWithin(child, PATIENCE_MS)) === null) child.kill("SIGKILL");
  await child.ended;
  return null;
}

/** A store that is away for an hour is worth one line. */
function onceEach(warn: (text: string) => void): (text: string | null) => undefined {
  let last: string | null = null;
  return (text) => {
    if (text !== null && text !== last) warn(text);
    last = text;
    return undefined;
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof VsyncError)) throw error;
  return `the program goes on with the values it has: ${error.message}`;
}

/** Compares bytes: a rotation or a note changes no value. */
function isSame(a: readonly Variable[], b: readonly Variable[]): boolean {
  const entries = (list: readonly Variable[]): readonly string[] =>
    list.map(({ entry }) => entry.toString("latin1")).toSorted((x, y) => (x < y ? -1 : 1));
  const [left, right] = [entries(a), entries(b)];
  return left.length === right.length && left.every((it, at) => it === right[at]);
}
