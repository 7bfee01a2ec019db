import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";
import { isTerminal } from "./standard-streams.ts";

const PATH = "/dev/tty";

/** A terminal to ask on: where to read, and where to write the question. */
export interface Terminal {
  readonly input: ReadStream;
  readonly output: NodeJS.WritableStream;
}

/** The terminal that this process was started from, even if stdin and stderr lead elsewhere. */
export interface ControllingTerminal extends Terminal, Disposable {
  readonly output: WriteStream;
}

/**
 * Whether somebody can be asked: this process has a terminal and is in its foreground, and neither `--no-input` nor a
 * variable forbids it. In the background, a read would stop the process.
 */
export function hasSomebodyToAsk(
  variables: Readonly<Record<string, string | undefined>>,
  noInput: boolean | undefined,
): boolean {
  if (noInput || isOn(variables["VSYNC_NO_INPUT"]) || isOn(variables["CI"])) return false;
  if (process.platform === "win32") return isTerminal(0) && isTerminal(2);
  return hasControllingTerminal() && isInForeground();
}

/** Set, and to something other than `0` and `false`. */
function isOn(value = ""): boolean {
  return !["", "0", "false"].includes(value);
}

/** False in cron, and in a session without a terminal. */
function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync(PATH, constants.O_RDWR | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Compares the process group with the terminal's foreground group. True if the system does not tell. */
function isInForeground(): boolean {
  try {
    const [group, foreground] = process.platform === "linux" ? groupsInProc() : groupsByPs();
    return group === foreground;
  } catch {
    return true;
  }
}

/** proc_pid_stat(5): the fields after the name in brackets are state, ppid, pgrp, session, tty_nr, tpgid. */
function groupsInProc(): readonly (string | undefined)[] {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [fields[2], fields[5]];
}

/** An absolute path and no environment, because PATH may lead to somebody else's program. */
function groupsByPs(): readonly (string | undefined)[] {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  const args = ["-o", "pgid=,tpgid=", "-p", String(process.pid)];
  return execFileSync("/bin/ps", args, { env: {}, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split(/\s+/);
}

/** @throws Error this process has no terminal: ask `hasSomebodyToAsk` first */
export function openControllingTerminal(): ControllingTerminal {
  const tty = process.getBuiltinModule("node:tty");
  const input = new tty.ReadStream(openSync(PATH, "r"));
  const output = new tty.WriteStream(openSync(PATH, "w"));
  return {
    input,
    output,
    [Symbol.dispose]() {
      input.destroy();
      output.destroy();
    },
  };
}

const CTRL_C = 3;

/**
 * Discards what was typed before the question appeared, because it cannot be the answer. A Ctrl-C in it still ends the
 * program. Leaves the terminal in raw mode, in which half a line can be read too.
 */
export function dropTypedAhead(input: ReadStream): void {
  if (process.platform === "win32") return;
  input.setRawMode(true);
  const queue = openSync(PATH, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const keys = Buffer.alloc(4096);
  try {
    for (let count = 1; count > 0; ) {
      count = readSync(queue, keys);
      if (keys.subarray(0, count).includes(CTRL_C)) process.kill(process.pid, "SIGINT");
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
  } finally {
    keys.fill(0);
    closeSync(queue);
  }
}
