import { accessSync, closeSync, constants, openSync } from "node:fs";
import { type Caller, nonBlockingStreams } from "./caller.ts";
import type { Libc } from "./libc.ts";
import { notStarted, type Program } from "./program.ts";

/** What the program must not get, because vsync read a secret from it. */
export interface KeptBack {
  readonly stdin: boolean;
  readonly descriptors: readonly number[];
}

/** execvp(3) runs a text file without `#!` with this shell. */
const SHELL = Buffer.from("/bin/sh");

/**
 * Replaces vsync with the program: the same process, with nothing of vsync left in memory or running. If that is
 * impossible here, it returns with nothing changed, and vsync stays beside the program. `docs/running.md` compares both
 * with env(1).
 *
 * @throws ProgramNotStartedError the system refused the program itself
 */
export function becomeProgram(program: Program, caller: Caller, kept: KeptBack, libc: Libc | null): void {
  if (process.platform !== "linux") return;
  if (libc !== null) throughLibc(program, caller, kept, libc);
  else if (process.versions["bun"] === undefined && canExecFromNode(program, caller)) throughNode(program, kept);
}

function throughLibc({ path, words, variables }: Program, caller: Caller, kept: KeptBack, libc: Libc): never {
  restoreStreams(caller, libc);
  if (kept.stdin) libc.lead(0, "/dev/null");
  for (const number of caller.descriptors) libc.setHandedOn(number, !kept.descriptors.includes(number));
  for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) libc.setDefault(signal);
  if (caller.ignored.includes("SIGCHLD")) libc.ignore("SIGCHLD");
  const entries = variables.map(({ entry }) => entry);
  const [name = path, ...args] = words;
  let fault = libc.execve({ path, words, entries });
  if (fault === "ENOEXEC") fault = libc.execve({ path: SHELL, words: [SHELL, path, ...args], entries });
  throw notStarted(name, `the system refuses it (${fault})`);
}

export function restoreStreams({ nonBlocking }: Caller, libc: Libc): void {
  const now = nonBlockingStreams();
  for (const [stream, wasNonBlocking] of nonBlocking.entries()) {
    if (now[stream] !== wasNonBlocking) libc.setNonBlocking(stream, wasNonBlocking);
  }
}

/**
 * If its exec fails, Node.js 22 aborts with a core dump full of secrets. So it executes only env(1), which then
 * executes the program and reports any failure itself.
 */
export const ENV = "/usr/bin/env";

/** Node.js passes on no descriptor above 2. It also makes pipes non-blocking, while programs expect blocking ones. */
function canExecFromNode({ words }: Program, { descriptors }: Caller): boolean {
  if (process.execve === undefined || descriptors.length > 0 || !isForEnv(words)) return false;
  for (const [stream, isNonBlocking] of nonBlockingStreams().entries()) {
    if (isNonBlocking) streamOf(stream)["_handle"]?.setBlocking?.(true);
  }
  return !nonBlockingStreams().includes(true);
}

/** libuv's handle beneath a stream, the only way to change its blocking mode. */
type HandledStream = Readonly<Record<string, { setBlocking?(isBlocking: boolean): void } | null | undefined>>;

const streamOf = (number: number): HandledStream =>
  [process.stdin, process.stdout, process.stderr][number] as unknown as HandledStream;

/** env(1) would take a word with = for a variable. */
export function isForEnv([name = Buffer.alloc(0)]: readonly Buffer[]): boolean {
  try {
    accessSync(ENV, constants.X_OK);
    return !name.includes("=");
  } catch {
    return false;
  }
}

function throughNode({ words, variables }: Program, kept: KeptBack): void {
  if (kept.stdin) {
    closeSync(0);
    // Opens as the lowest free number, which is 0.
    openSync("/dev/null", constants.O_RDWR);
  }
  // exec resets signals that have a handler to their default, but not those that Node.js ignores. So add handlers.
  for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => undefined);
  process.execve?.(ENV, ["env", "--", ...words.map(String)], asObject(variables));
}

/** For Node.js's functions, which only accept text. */
export function asObject(variables: Program["variables"]): Record<string, string> {
  return Object.fromEntries(variables.map(({ name, entry }) => [name, entry.toString().slice(name.length + 1)]));
}
