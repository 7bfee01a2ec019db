import { fstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from "node:fs";
import { constants } from "node:os";
import { isTerminal, SHELLS } from "../terminal/standard-streams.ts";

/** A variable as the operating system holds it: neither name nor value has to be UTF-8. */
export interface Variable {
  readonly name: string;
  /** `NAME=value` */
  readonly entry: Buffer;
}

/** What vsync got from the process that started it, before the runtime or vsync itself changes any of it. */
export interface Caller {
  readonly variables: readonly Variable[];
  /** The words after `--`. */
  readonly words: readonly Buffer[];
  /** The open descriptors above 2. */
  readonly descriptors: readonly number[];
  /** The descriptor on which `process.send` of a Node.js parent arrives; null if there is no such parent. */
  readonly channel: number | null;
  /** The signals that the caller ignores. By now Node.js has reset SIGINT, SIGTERM and SIGUSR1. */
  readonly ignored: readonly NodeJS.Signals[];
  /** Whether stdin, stdout and stderr are non-blocking. Node.js may have made them so. */
  readonly nonBlocking: readonly boolean[];
}

const isBun = process.versions["bun"] !== undefined;

/** Call this before vsync opens a descriptor of its own. */
export function callerOf(commandLine: readonly string[], own: NodeJS.ProcessEnv): Caller {
  const variables = variablesOf(own);
  const channel = Number(valueOf("NODE_CHANNEL_FD", variables) ?? Number.NaN);
  return {
    variables,
    words: wordsOf(commandLine),
    descriptors: inheritedDescriptors(variables),
    channel: Number.isInteger(channel) ? channel : null,
    ignored: ignoredSignals(),
    nonBlocking: nonBlockingStreams(),
  };
}

export function variable(name: string, value: Uint8Array | string): Variable {
  return { name, entry: Buffer.concat([Buffer.from(`${name}=`), Buffer.from(value as string)]) };
}

export function valueOf(name: string, variables: readonly Variable[]): Buffer | undefined {
  return variables.find((it) => it.name === name)?.entry.subarray(Buffer.byteLength(name) + 1);
}

/** `process.env` has U+FFFD in place of bytes that are not UTF-8, so this reads the kernel's copy. */
function variablesOf(own: NodeJS.ProcessEnv): readonly Variable[] {
  const entries = zeroTerminated("/proc/self/environ");
  if (entries === null) return Object.entries(own).map(([name, value = ""]) => variable(name, value));
  return entries.map((entry) => {
    const end = entry.indexOf("=", 1);
    return { name: entry.toString("utf8", 0, end === -1 ? entry.length : end), entry };
  });
}

function wordsOf(commandLine: readonly string[]): readonly Buffer[] {
  const all = zeroTerminated("/proc/self/cmdline") ?? [];
  const words = all.slice(all.length - commandLine.length);
  const isSame = words.length === commandLine.length && words.every((it, at) => it.toString() === commandLine[at]);
  return isSame ? words : commandLine.map((word) => Buffer.from(word));
}

function zeroTerminated(path: string): readonly Buffer[] | null {
  const bytes = tried(() => readFileSync(path));
  if (bytes === null) return null;
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    parts.push(bytes.subarray(from, end === -1 ? bytes.length : end));
    from = end === -1 ? bytes.length : end + 1;
  }
  return parts;
}

interface Descriptor {
  readonly number: number;
  /** Such as `pipe:[4711]`, `/dev/null` or `anon_inode:[eventpoll]`. */
  readonly target: string;
  /** See proc_pid_fdinfo(5). */
  readonly info: string;
}

/**
 * All open descriptors above 2 except the runtime's own. close-on-exec does not tell them apart, because both runtimes
 * set it on inherited ones too.
 */
function inheritedDescriptors(variables: readonly Variable[]): readonly number[] {
  const all = openDescriptors();
  const own = new Set([...pollers(all), ...keptTerminal(all), ...loopPipes(all, variables)]);
  return all.map(({ number }) => number).filter((number) => !own.has(number));
}

function openDescriptors(): readonly Descriptor[] {
  const names = tried(() => readdirSync("/proc/self/fd")) ?? [];
  const found = names.map(Number).filter((number) => number > 2);
  return found
    .toSorted((a, b) => a - b)
    .flatMap((number) => {
      const target = tried(() => readlinkSync(`/proc/self/fd/${number}`));
      const info = tried(() => readFileSync(`/proc/self/fdinfo/${number}`, "utf8"));
      // Skips the descriptor that listed the folder, which is closed by now.
      return target === null || info === null ? [] : [{ number, target, info }];
    });
}

/**
 * The runtime's epoll, the eventfd that wakes its loop, and its io_uring. Bun's eventfd is in its epoll, which tells
 * both from a caller's; libuv adds its own only when the loop first waits.
 */
function pollers(all: readonly Descriptor[]): readonly number[] {
  const eventfds = all.filter(({ target }) => target === "anon_inode:[eventfd]");
  const isLoop = (poll: Descriptor): boolean => !isBun || eventfds.some(({ number }) => polledBy(poll).has(number));
  const loops = all.filter((it) => it.target === "anon_inode:[eventpoll]" && isLoop(it));
  const polls = [...loops, ...all.filter(({ target }) => target === "anon_inode:[io_uring]")];
  const last = Math.max(0, ...polls.map(({ number }) => number));
  const wakers = eventfds.filter(({ number }) => !isBun || loops.some((loop) => polledBy(loop).has(number)));
  // libuv keeps one spare descriptor, to close when it runs out of others.
  const spare = isBun ? [] : all.filter(({ number, target }) => number > last && target === "/dev/null").slice(0, 1);
  return [...polls, ...wakers, ...spare].map(({ number }) => number);
}

const polledBy = ({ info }: Descriptor): ReadonlySet<number> =>
  new Set([...info.matchAll(/^tfd:\s*(\d+)/gm)].map(([, it]) => Number(it)));

/** Where Bun keeps a copy of the terminal, to restore its modes. */
const KEPT_FROM = 1023;

function keptTerminal(all: readonly Descriptor[]): readonly number[] {
  const terminal = isBun ? tried(() => readlinkSync("/proc/self/fd/0")) : null;
  const kept = all.find(({ number, target }) => number >= KEPT_FROM && target === terminal);
  return kept === undefined ? [] : [kept.number];
}

const O_NONBLOCK = 0o4000;

/**
 * libuv holds both ends of its pipes: one blocking pair for all loops, and a non-blocking pair for each. `make` also
 * passes on both ends of one pipe, and names them in MAKEFLAGS.
 */
function loopPipes(all: readonly Descriptor[], variables: readonly Variable[]): readonly number[] {
  if (isBun) return [];
  const flags = valueOf("MAKEFLAGS", variables)?.toString() ?? "";
  const jobs = new Set(/--jobserver-(?:auth|fds)=(\d+),(\d+)/.exec(flags)?.slice(1).map(Number));
  const pipes = all.filter(({ number, target }) => target.startsWith("pipe:") && !jobs.has(number));
  const pairs = [...Map.groupBy(pipes, ({ target }) => target).values()].filter((ends) => ends.length === 2);
  const blocking = pairs.filter((ends) => ends.every(({ info }) => (flagsOf(info) & O_NONBLOCK) === 0));
  // If there are several, libuv's own cannot be identified. Passing on one too many does no harm.
  const own = blocking.length > 1 ? pairs.filter((ends) => !blocking.includes(ends)) : pairs;
  return own.flat().map(({ number }) => number);
}

const flagsOf = (info: string): number => Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "0", 8);

export function nonBlockingStreams(): readonly boolean[] {
  return [0, 1, 2].map((number) => {
    const info = tried(() => readFileSync(`/proc/self/fdinfo/${number}`, "utf8"));
    return info !== null && (flagsOf(info) & O_NONBLOCK) !== 0;
  });
}

/** Every runtime ignores these two, so what the caller did cannot be known. */
const IGNORED_BY_RUNTIME = signalMask(["SIGPIPE", "SIGXFSZ"]);
/** On a terminal Bun handles these itself, to restore the terminal's modes. */
const HANDLED_BY_BUN = ["SIGINT", "SIGTERM"] as const;

function ignoredSignals(): readonly NodeJS.Signals[] {
  const own = masksOf("self");
  const ignored = own.ignored & ~IGNORED_BY_RUNTIME;
  const all = isBun ? ignored | ignoredBefore(ignored, own.caught) : ignored;
  if (all === 0n) return [];
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.filter((name) => (all & signalMask([name])) !== 0n);
}

/**
 * What Bun's own handlers hide. If the parent ignores SIGINT, it may be a script that wants its children to ignore it
 * too. But a program that waits in system(3) ignores SIGINT only for itself, and so does an interactive shell with
 * SIGTERM; they ignore other signals along with it, which tells them apart. (bash itself always ignores SIGQUIT.) A job
 * in a script's background ignores SIGINT and SIGQUIT, and its stdin is not a terminal.
 */
function ignoredBefore(ignored: bigint, caught: bigint): bigint {
  const hidden = caught & signalMask(HANDLED_BY_BUN);
  if (hidden === 0n) return 0n;
  const parent = String(process.ppid);
  const inParent = masksOf(parent).ignored;
  const quit = signalMask(["SIGQUIT"]);
  const inParentAlone = inParent & ~ignored & ~hidden & ~IGNORED_BY_RUNTIME & (isShell(parent) ? ~quit : ~0n);
  const isJob = (ignored & quit) !== 0n && !isTerminal(0);
  return hidden & ((inParentAlone === 0n ? inParent : 0n) | (isJob ? signalMask(["SIGINT"]) : 0n));
}

const isShell = (pid: string): boolean =>
  SHELLS.has((tried(() => readFileSync(`/proc/${pid}/comm`, "utf8")) ?? "").trim());

function masksOf(process: string): { readonly ignored: bigint; readonly caught: bigint } {
  const status = tried(() => readFileSync(`/proc/${process}/status`, "utf8")) ?? "";
  const [, ignored = "0", caught = "0"] = /^SigIgn:\s*([0-9a-f]+)\nSigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return { ignored: BigInt(`0x${ignored}`), caught: BigInt(`0x${caught}`) };
}

function signalMask(signals: readonly NodeJS.Signals[]): bigint {
  return signals.reduce((mask, signal) => mask | (1n << BigInt(constants.signals[signal] - 1)), 0n);
}

/** The descriptors of these files, through which a program could read again what vsync read. */
export function leadingTo(paths: readonly string[], descriptors: readonly number[]): readonly number[] {
  const files = paths.flatMap((path) => tried(() => statSync(path)) ?? []);
  const isSame = (a: Stats, b: Stats): boolean => a.dev === b.dev && a.ino === b.ino;
  return descriptors.filter((number) => {
    const stats = tried(() => fstatSync(number));
    return stats !== null && files.some((file) => isSame(file, stats));
  });
}

/** Null without /proc, or if it denies access. */
function tried<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
