import { type ChildProcess, type IOType, type SerializationType, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { asObject, ENV, isForEnv, type KeptBack, restoreStreams } from "./become.ts";
import { type Caller, valueOf } from "./caller.ts";
import type { Ending, Libc } from "./libc.ts";
import { notStarted, type Program } from "./program.ts";
import type { ChildOutput } from "./redaction/output.ts";
import { Guard, isAwaited } from "./redaction/witness.ts";

/** A program that runs beside vsync. */
export interface Child {
  readonly pid: number;
  readonly ended: Promise<Pick<Ending, "code" | "signal">>;
  readonly passedOn: Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface Surroundings {
  readonly caller: Caller;
  readonly kept: KeptBack;
  readonly output: ChildOutput;
  readonly libc: Libc | null;
}

/** @throws ProgramNotStartedError */
export async function startChild(program: Program, around: Surroundings): Promise<Child> {
  const { libc, output } = around;
  // Bun's own spawn resets ignored signals, and only accepts text.
  const isWhole = output.stdio.every((it) => it !== "pipe");
  const child = libc !== null && isWhole ? throughLibc(program, around, libc) : await throughSpawn(program, around);
  if (process.platform === "win32") return child;
  const guard = new Guard(child.pid);
  void child.ended.finally(() => guard[Symbol.dispose]());
  return child;
}

const NOWHERE = "/dev/null";

function throughLibc(program: Program, { caller, kept, output }: Surroundings, libc: Libc): Child {
  const { path, words } = program;
  restoreStreams(caller, libc);
  const stdin = kept.stdin ? openSync(NOWHERE, "r") : 0;
  const [stdout, stderr] = output.stdio.map((it, at) => (typeof it === "number" ? it : at + 1));
  for (const number of caller.descriptors) libc.setHandedOn(number, !kept.descriptors.includes(number));
  const [name = path, ...args] = words;
  const start = (image: Parameters<Libc["spawn"]>[0]): number => libc.spawn(image, [stdin, stdout ?? 1, stderr ?? 2]);
  try {
    const pid = startedAs(imageOf(program, caller), [path, ...args], start);
    return {
      pid,
      ended: ending(pid, libc),
      passedOn: output.passOn(NO_STREAMS),
      kill: (signal) => sendTo(pid, signal),
    };
  } catch (error) {
    throw notStarted(name, `the system refuses it (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    if (kept.stdin) closeSync(stdin);
  }
}

/** vsync needs SIGCHLD itself, so if the caller ignores it, env(1) makes only the program ignore it. */
function imageOf({ path, words, variables }: Program, { ignored }: Caller): Parameters<Libc["spawn"]>[0] {
  const entries = variables.map(({ entry }) => entry);
  if (!ignored.includes("SIGCHLD") || !isForEnv([path])) return { path, words, entries };
  const first = [ENV, "--ignore-signal=CHLD", "--"].map((word) => Buffer.from(word));
  return { path: Buffer.from(ENV), words: [...first, path, ...words.slice(1)], entries };
}

const NO_STREAMS = { stdout: null, stderr: null };
const SHELL = Buffer.from("/bin/sh");

/** Like execvp(3), runs a text file without `#!` with a shell. */
function startedAs(
  image: Parameters<Libc["spawn"]>[0],
  script: readonly Uint8Array[],
  start: (image: Parameters<Libc["spawn"]>[0]) => number,
): number {
  try {
    return start(image);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOEXEC") throw error;
    return start({ ...image, path: SHELL, words: [SHELL, ...script] });
  }
}

/** If a child's SIGCHLD is lost among others, its end goes unnoticed for at most this long. */
const LOOK_EVERY_MS = 500;

function ending(pid: number, libc: Libc): Promise<Ending> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (process.pid === 1) for (const other of orphansBut(pid)) libc.reap(other);
      const ended = libc.reap(pid);
      if (ended === null) return;
      clearInterval(timer);
      process.off("SIGCHLD", look);
      resolve(ended);
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    process.on("SIGCHLD", look);
    look();
  });
}

/** Orphans that have ended, which vsync has to reap as PID 1. Bun waits for its own children itself. */
function orphansBut(own: number): readonly number[] {
  const dead = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && parentIfDead(pid) === "1");
  return dead.filter((pid) => pid !== own && !isAwaited(pid));
}

/** proc_pid_stat(5): state and parent follow a name that may contain any characters. */
function parentIfDead(pid: number): string | undefined {
  try {
    return /\) Z (\d+) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}

async function throughSpawn(program: Program, { caller, kept, output }: Surroundings): Promise<Child> {
  const [command = "", ...args] = throughHelpers(program, caller);
  const variables = asObject(program.variables);
  const channel = caller.channel !== null && process.send !== undefined ? caller.channel : null;
  const serialization = (variables["NODE_CHANNEL_SERIALIZATION_MODE"] ?? "json") as SerializationType;
  const stdio: (IOType | "ipc" | number)[] = [kept.stdin ? "ignore" : "inherit", ...output.stdio];
  for (const number of caller.descriptors) if (!kept.descriptors.includes(number)) stdio[number] = number;
  if (channel !== null) stdio[channel] = "ipc";
  const child = spawn(command, args, {
    env: variables,
    stdio: Array.from(stdio, (it) => it ?? "ignore"),
    serialization,
  });
  const pid = await started(child, program.words);
  if (channel !== null) relay(child);
  return {
    pid,
    ended: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))),
    passedOn: output.passOn(child),
    kill: (signal) => void child.kill(signal),
  };
}

/**
 * systemd names the process that a socket is for, and only that process accepts it: sd_listen_fds(3),
 * sd_watchdog_enabled(3).
 */
const PID_VARIABLES = ["LISTEN_PID", "WATCHDOG_PID"];

/**
 * Node.js and Bun reset ignored signals in a child. env(1) makes the child ignore them again, and starts text files
 * without `#!`. A shell puts the child's own pid into the variables that name ours.
 */
function throughHelpers({ words, variables }: Program, { ignored }: Caller): readonly string[] {
  const plain = words.map(String);
  if (process.platform !== "linux" || !isForEnv(words)) return plain;
  const own = PID_VARIABLES.filter((name) => valueOf(name, variables)?.toString() === String(process.pid));
  const shell = own.length === 0 ? [] : ["/bin/sh", "-c", `${own.map((it) => `${it}=$$`).join(" ")}; exec "$@"`, "sh"];
  const ignoring =
    ignored.length === 0 ? [] : [`--ignore-signal=${ignored.map((it) => it.slice("SIG".length)).join(",")}`];
  return [...shell, ENV, ...ignoring, "--", ...plain];
}

/** `spawn` throws some failures and reports others as an event. */
async function started(child: ChildProcess, [name = Buffer.alloc(0)]: readonly Buffer[]): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  throw notStarted(name, error.code === "ENOENT" ? "no such program" : `the system refuses it (${error.code})`);
}

/**
 * Relays messages between a Node.js parent and the program. vsync has to sit in between, because Node.js has already
 * opened our end.
 */
function relay(child: ChildProcess): void {
  process.on("message", (message, handle) => void child.send(message as object, handle as never));
  child.on("message", (message, handle) => void process.send?.(message, handle as never));
  child.once("disconnect", () => process.connected && process.disconnect());
  process.once("disconnect", () => child.connected && child.disconnect());
}
