import { setTimeout } from "node:timers/promises";
import { VsyncError } from "../../errors.ts";
import type { Output } from "../terminal/output.ts";
import type { Variable } from "./caller.ts";
import { type Child, type Surroundings, startChild } from "./child.ts";
import { familyOf, stillAlive } from "./family.ts";
import type { Ending } from "./libc.ts";
import type { Program } from "./program.ts";
import { forwarding } from "./stay.ts";

export interface Watched {
  /** The variables of the program that runs first. */
  readonly variables: readonly Variable[];
  /**
   * Reads the current variables from the vaults.
   *
   * @throws VsyncError
   */
  readonly look: () => Promise<readonly Variable[]>;
  readonly programOf: (variables: readonly Variable[]) => Program;
  readonly around: Surroundings;
}

/** How often it checks the vaults, and so at most restarts the program. */
const EVERY_MS = 5_000;
/** How long a program may take to end after SIGTERM. */
const PATIENCE_MS = 10_000;
/** How often it looks whether what the program left behind has ended. */
const LOOK_EVERY_MS = 50;

/**
 * Restarts the program when its values have changed, and resolves when the program ends by itself. While the vaults
 * cannot be opened (the store is down or rolled back, the passphrase retired), the old program keeps running.
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
    // The program ended by itself at this very moment.
    if (stopped !== null) return stopped;
    current = next;
    child = await startChild(programOf(current), around);
  }
}

/** How the child ended, or null if it did not in time. */
async function endWithin(child: Child, ms: number): Promise<Pick<Ending, "code" | "signal"> | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = globalThis.setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([child.ended, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function stop(child: Child): Promise<Pick<Ending, "code" | "signal"> | null> {
  const already = await endWithin(child, 0);
  if (already !== null) return already;
  const family = familyOf(child.pid);
  child.kill("SIGTERM");
  if ((await endWithin(child, PATIENCE_MS)) === null) child.kill("SIGKILL");
  await child.ended;
  await stopLeft(family);
  return null;
}

/** A shell ends at SIGTERM without its children, which would then hold the port that the new program needs. */
async function stopLeft(family: ReturnType<typeof familyOf>): Promise<void> {
  sendTo(stillAlive(family), "SIGTERM");
  for (let waited = 0; waited < PATIENCE_MS && stillAlive(family).length > 0; waited += LOOK_EVERY_MS) {
    await setTimeout(LOOK_EVERY_MS);
  }
  sendTo(stillAlive(family), "SIGKILL");
}

function sendTo(family: ReturnType<typeof familyOf>, signal: NodeJS.Signals): void {
  for (const { pid } of family) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended, or has become another user's.
    }
  }
}

/** Does not repeat a warning: a store that is down for an hour is worth one line. */
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
  return `the program keeps running with its current values: ${error.message}`;
}

/** Compares bytes, because a rotation or a note changes no values. */
function isSame(a: readonly Variable[], b: readonly Variable[]): boolean {
  const entries = (list: readonly Variable[]): readonly string[] =>
    list.map(({ entry }) => entry.toString("latin1")).toSorted((x, y) => (x < y ? -1 : 1));
  const [left, right] = [entries(a), entries(b)];
  return left.length === right.length && left.every((it, at) => it === right[at]);
}
