import { createHash, randomBytes } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { hasErrno } from "./posix.ts";

/** Identifies one process among all others, now or later. */
export interface ProcessIdentity {
  /** Where `pid` is valid, as a digest: on Linux of host, boot, pid and time namespace. */
  readonly place: string;
  readonly pid: number;
  /** Start time in clock ticks since boot, `0` if unknown. It tells a process from a later one with the same pid. */
  readonly start: string;
}

/** `unknown`: on another machine or in another container, or the system does not say enough. */
export type ProcessStatus = "alive" | "dead" | "unknown";

export interface ProcessTable {
  self(): Promise<ProcessIdentity>;
  status(identity: ProcessIdentity): Promise<ProcessStatus>;
}

const UNKNOWN_START = "0";

export function systemProcesses(): ProcessTable {
  let known: Promise<ProcessIdentity> | undefined;
  const self = (): Promise<ProcessIdentity> => {
    known ??= readSelf();
    return known;
  };
  return { self, status: async (identity) => statusSeenBy(await self(), identity) };
}

async function readSelf(): Promise<ProcessIdentity> {
  const place = (await readPlace()) ?? randomBytes(8).toString("hex");
  const stat = await readStat("self");
  // A /proc of another pid namespace numbers processes differently from process.kill, so nothing in it can be used.
  const start = stat?.pid === process.pid ? stat.start : UNKNOWN_START;
  return { place, pid: process.pid, start };
}

/**
 * Null if this machine does not say enough to tell its processes from those of another machine or container. Then each
 * process counts as its own place, and knows nothing about any other.
 */
async function readPlace(): Promise<string | null> {
  switch (process.platform) {
    case "linux": {
      const [boot, pids, time] = await Promise.all([
        tryRead(() => readFile("/proc/sys/kernel/random/boot_id", "utf8")),
        tryRead(() => readlink("/proc/self/ns/pid")),
        // Linux before 5.6 has no time namespaces.
        tryRead(() => readlink("/proc/self/ns/time")),
      ]);
      return boot === "" || pids === "" ? null : digest([hostname(), boot, pids, time]);
    }
    // Neither system has pid namespaces. Two machines may share a name, as in a classroom, but not a network card.
    case "darwin":
    case "win32": {
      const cards = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ mac }) => mac) ?? []);
      return digest([hostname(), ...new Set(cards.toSorted())]);
    }
    default:
      return null;
  }
}

function digest(facts: readonly string[]): string {
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 16);
}

async function statusSeenBy(self: ProcessIdentity, identity: ProcessIdentity): Promise<ProcessStatus> {
  if (identity.place !== self.place) return "unknown";
  if (!exists(identity.pid)) return "dead";
  if (identity.start === UNKNOWN_START || self.start === UNKNOWN_START) return "unknown";
  const stat = await readStat(identity.pid);
  if (!stat) return "unknown";
  return stat.start !== identity.start || stat.ended ? "dead" : "alive";
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasErrno(error, "ESRCH");
  }
}

interface Stat {
  readonly pid: number;
  readonly start: string;
  /** A zombie, which will do nothing more. */
  readonly ended: boolean;
}

/**
 * proc_pid_stat(5): fields 1 pid, 3 state, 20 num_threads, 22 starttime. Field 2 may contain spaces and parentheses.
 */
async function readStat(pid: number | "self"): Promise<Stat | null> {
  const line = await tryRead(() => readFile(`/proc/${pid}/stat`, "utf8"));
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, threads, start] = [fields[0], fields[17], fields[19]];
  if (state === undefined || start === undefined) return null;
  // The first thread of a killed process may be gone while another is still inside a system call.
  const ended = (state === "Z" || state === "X") && Number(threads) <= 1;
  return { pid: Number.parseInt(line, 10), start, ended };
}

async function tryRead(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch {
    return ""; // No /proc, or a hidden one. To know less is safe.
  }
}
