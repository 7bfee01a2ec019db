import { closeSync, openSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";

const PATH = "/dev/tty";

/** The terminal that this process was started from, even if stdin and stderr lead elsewhere. */
export interface ControllingTerminal extends Disposable {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

/** False in CI, in cron, and on Windows. */
export function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync(PATH, "r+"));
    return true;
  } catch {
    return false;
  }
}

/** @throws Error this process has no terminal: ask `hasControllingTerminal` first */
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
