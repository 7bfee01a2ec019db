import { closeSync, constants, openSync } from "node:fs";
import { constants as os } from "node:os";
import { getSystemErrorName } from "node:util";

/** A program for `execve` or `posix_spawn`. */
export interface Image {
  readonly path: Uint8Array;
  readonly words: readonly Uint8Array[];
  readonly entries: readonly Uint8Array[];
}

/** The end of a child. */
export interface Ending {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Null in Node.js, outside Linux, if the system forbids the executable memory that bun:ffi needs, and in a Bun without
 * bun:ffi (musl).
 */
export async function loadLibc(): Promise<Libc | null> {
  if (process.platform !== "linux" || process.versions["bun"] === undefined) return null;
  try {
    const ffi = await import("bun:ffi");
    return new Libc(ffi.ptr, ffi.read.i32, ffi.dlopen("libc.so.6", FUNCTIONS).symbols);
  } catch {
    return null;
  }
}

const FUNCTIONS = {
  __errno_location: { args: [], returns: "ptr" },
  dup2: { args: ["i32", "i32"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i32"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "i32", "i32", "i32", "i32"], returns: "i32" },
  raise: { args: ["i32"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
  sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
} as const;

type Functions = ReturnType<typeof import("bun:ffi").dlopen<typeof FUNCTIONS>>["symbols"];

const [F_SETFD, F_GETFL, F_SETFL] = [2, 3, 4];
const [SIG_IGN, FD_CLOEXEC] = [1, 1];
const [SIG_SETMASK, PR_SET_DUMPABLE, WNOHANG, POSIX_SPAWN_SETSIGDEF] = [2, 4, 1, 4];
/** More than any C library's structures need. */
const ROOM_BYTES = 1024;

/** C library calls that neither Node.js nor Bun offers. */
export class Libc {
  readonly #address: (memory: NodeJS.TypedArray) => number;
  readonly #read: (pointer: number) => number;
  readonly #c: Functions;

  constructor(address: (memory: NodeJS.TypedArray) => number, read: (pointer: number) => number, functions: Functions) {
    // Wrapped, because `map` would pass an index, which Bun's function takes for an offset.
    this.#address = (memory) => address(memory);
    this.#read = read;
    this.#c = functions;
  }

  /** Returns only if it fails, with the error's name, such as `ENOENT`. */
  execve(image: Image): string {
    const { path, words, entries } = inMemory(image, this.#address);
    this.#c.execve(this.#address(path), this.#address(words), this.#address(entries));
    return errorName(this.#read(this.#c["__errno_location"]()));
  }

  /**
   * Starts a child and returns its pid.
   *
   * @param streams descriptors that become the child's stdin, stdout and stderr
   * @throws Error with `code`
   */
  spawn(image: Image, streams: readonly [number, number, number]): number {
    const { path, words, entries } = inMemory(image, this.#address);
    const pid = new Int32Array(1);
    const actions = new Uint8Array(ROOM_BYTES);
    this.#c.posix_spawn_file_actions_init(this.#address(actions));
    for (const [at, stream] of streams.entries()) {
      this.#c.posix_spawn_file_actions_adddup2(this.#address(actions), stream, at);
    }
    const attributes = this.#attributes();
    const [into, file, does, how, argv, envp] = [pid, path, actions, attributes, words, entries].map(this.#address);
    const error = this.#c.posix_spawn(into ?? 0, file ?? 0, does ?? 0, how ?? 0, argv ?? 0, envp ?? 0);
    if (error !== 0) throw Object.assign(new Error("posix_spawn"), { code: errorName(error) });
    return pid[0] ?? 0;
  }

  /** Bun ignores these two, and the child would inherit that. */
  #attributes(): Uint8Array {
    const [attributes, defaults] = [new Uint8Array(ROOM_BYTES), signalSet(["SIGPIPE", "SIGXFSZ"])];
    this.#c.posix_spawnattr_init(this.#address(attributes));
    this.#c.posix_spawnattr_setsigdefault(this.#address(attributes), this.#address(defaults));
    this.#c.posix_spawnattr_setflags(this.#address(attributes), POSIX_SPAWN_SETSIGDEF);
    return attributes;
  }

  /** How this child ended, or with -1 any child; null while it runs. */
  reap(pid: number): Ending | null {
    const status = new Int32Array(1);
    const ended = this.#c.waitpid(pid, this.#address(status), WNOHANG);
    return ended > 0 ? endingOf(ended, status[0] ?? 0) : null;
  }

  /** Whether programs started from now on get this descriptor. */
  setHandedOn(descriptor: number, isHandedOn: boolean): void {
    this.#c.fcntl(descriptor, F_SETFD, isHandedOn ? 0 : FD_CLOEXEC);
  }

  /** Makes a descriptor refer to this file instead. */
  lead(descriptor: number, target: string): void {
    const opened = openSync(target, constants.O_RDWR);
    this.#c.dup2(opened, descriptor);
    closeSync(opened);
  }

  setNonBlocking(descriptor: number, isNonBlocking: boolean): void {
    const flags = this.#c.fcntl(descriptor, F_GETFL, 0) & ~constants.O_NONBLOCK;
    this.#c.fcntl(descriptor, F_SETFL, flags | (isNonBlocking ? constants.O_NONBLOCK : 0));
  }

  /** Restores the default action, because Bun ignores SIGPIPE and SIGXFSZ. */
  setDefault(signal: NodeJS.Signals): void {
    this.#c.signal(os.signals[signal], null);
  }

  /** Ignores the signal from now on, here and in the program. */
  ignore(signal: NodeJS.Signals): void {
    this.#c.signal(os.signals[signal], SIG_IGN);
  }

  /**
   * Ends this process by the signal, without a core dump, which would contain secrets. Returns if the signal does not
   * end it.
   */
  dieBy(signal: NodeJS.Signals): void {
    this.#c.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    this.setDefault(signal);
    this.#c.sigprocmask(SIG_SETMASK, this.#address(new Uint8Array(ROOM_BYTES)), null);
    this.#c.raise(os.signals[signal]);
  }
}

const errorName = (errno: number): string => getSystemErrorName(-errno);

/**
 * The arrays that exec takes. Keep a reference until the call, because the pointers in them do not keep anything alive.
 */
function inMemory({ path, words, entries }: Image, address: (memory: Uint8Array) => number) {
  const strings = [path, ...words, ...entries].map((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]));
  const pointers = (list: readonly Uint8Array[]): BigUint64Array =>
    BigUint64Array.from([...list.map((it) => BigInt(address(it))), 0n]);
  const [first = new Uint8Array(1), ...rest] = strings;
  return {
    path: first,
    words: pointers(rest.slice(0, words.length)),
    entries: pointers(rest.slice(words.length)),
    strings,
  };
}

function signalSet(signals: readonly NodeJS.Signals[]): Uint8Array {
  const set = new Uint8Array(ROOM_BYTES);
  for (const signal of signals) {
    const bit = os.signals[signal] - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return set;
}

/** wait(2): the low 7 bits are the signal, the second byte is the exit code. */
function endingOf(pid: number, status: number): Ending {
  const number = status & 0x7f;
  if (number === 0) return { pid, code: (status >> 8) & 0xff, signal: null };
  const [signal = null] = Object.entries(os.signals).find(([, it]) => it === number) ?? [];
  return { pid, code: signal === null ? 128 + number : null, signal: signal as NodeJS.Signals | null };
}
