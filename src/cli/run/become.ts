import { accessSync, closeSync, constants, openSync } from "node:fs";
import { type Caller, nonBlockingStreams } from "./caller.ts";
import type { Libc } from "./libc.ts";
import { notStarted, type Program } from "./program.ts";

/** What the program must not get, because vsync read a secret from it. */
export interface KeptBack {
  readonly stdin: boolean;
  readonly descriptors: readonly number[];
}

/** execvp(3) hands a text without `#!` to this shell. */
const SHELL = Buffer.from("/bin/sh");

/**
 * Replaces vsync by the program: same process, nothing left in memory, nothing left running. Returns where that cannot be,
 * with nothing changed; then vsync stays beside the program. `docs/running.md` compares both with env(1).
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
 * Node.js 22 aborts with a core, full of secrets, where its exec fails. So it executes only env(1), which then executes
 * the program, and says so itself if that fails after all.
 */
export const ENV = "/usr/bin/env";

/** Node.js hands on no descriptor above 2. It makes pipes non-blocking; a program expects them to wait. */
function canExecFromNode({ words }: Program, { descriptors }: Caller): boolean {
  if (process.execve === undefined || descriptors.length > 0 || !isForEnv(words)) return false;
  for (const [stream, isNonBlocking] of nonBlockingStreams().entries()) {
    if (isNonBlocking) streamOf(stream)["_handle"]?.setBlocking?.(true);
  }
  return !nonBlockingStreams().includes(true);
}

/** The handle of libuv below a stream, which has the one way to its flags. */
type HandledStream = Readonly<Record<string, { setBlocking?(isBlocking: boolean): void } | null | undefined>>;

const streamOf = (number: number): HandledStream =>
  [process.stdin, process.stdout, process.stderr][number] as unknown as HandledStream;

/** env(1) takes a word with = for a variable. */
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
    // The lowest free number is 0.
    openSync("/dev/null", constants.O_RDWR);
  }
  // exec gives a signal with a handler its default back, which one that Node.js ignores does not get.
  for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => undefined);
  process.execve?.(ENV, ["env", "--", ...words.map(String)], asObject(variables));
}

/** For the calls of Node.js, which take text. */
export function asObject(variables: Program["variables"]): Record<string, string> {
  return Object.fromEntries(variables.map(({ name, entry }) => [name, entry.toString().slice(name.length + 1)]));
}
