import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { DirectoryLocation } from "../../../src/directory/location.ts";
import { COMPILE_CACHE } from "../../../test/support/compile-cache.ts";
import type { Ending } from "./ending.ts";

export interface Task {
  readonly operation: string;
  readonly location: DirectoryLocation;
  /** File system calls are counted from 1. */
  readonly fault?:
    | { readonly kind: "kill"; readonly before: number }
    | { readonly kind: "fail"; readonly at: number; readonly code: string; readonly lasting: boolean };
}

export interface Answer {
  readonly ending: Ending;
  /** The operation's number of file system calls. */
  readonly calls: number;
}

const SCRIPT = fileURLToPath(new URL("victim-process.ts", import.meta.url));
const HOOK = new URL("remember-derivations.ts", import.meta.url).href;

/** A process for operations that fail: anything it holds when it ends belongs to a dead process, as after a crash. */
export class Victim implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "exit");
  }

  static async start(): Promise<Victim> {
    const victim = new Victim(fork(SCRIPT, [], { execArgv: [...COMPILE_CACHE, "--import", HOOK] }));
    await victim.#message("ready");
    return victim;
  }

  /** The outcome, or null if the process was killed. */
  async perform(task: Task): Promise<Answer | null> {
    const answer = this.#message(null);
    this.#child.send(task);
    return answer;
  }

  /** Resolves when the process is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async #message(wanted: "ready" | null): Promise<Answer | null> {
    const received = once(this.#child, "message").then(([message]: unknown[]) => message as Answer);
    const answer = await Promise.race([received, this.#ended.then(() => null)]);
    if (wanted !== null && answer === null) throw new Error("the process ended before it was ready");
    return answer;
  }
}
