import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import type { DirectoryLocation } from "../../src/directory/location.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

export interface Interruption {
  /** The number of a file system call, from 1, or its name. */
  readonly before: number | "rename";
  readonly signal: "SIGKILL" | "SIGSTOP";
}

export interface Setup {
  readonly location: DirectoryLocation;
  readonly claimTimeoutMs?: number;
  readonly umask?: number;
  readonly interruption?: Interruption;
}

export type Ask = (
  | { readonly operation: "create"; readonly key: string; readonly content: string }
  | { readonly operation: "replace"; readonly key: string; readonly content: string; readonly version: string }
  | { readonly operation: "increment"; readonly key: string; readonly times: number; readonly padding: number }
) & {
  /** All processes with the same start time begin together. */
  readonly startAtMs?: number;
};

export type Answer = { readonly version: string } | { readonly error: string; readonly message: string };

const SCRIPT = fileURLToPath(new URL("store-process.ts", import.meta.url));

/** A directory store in another process, killed after the test. */
export class StoreProcess {
  /** The number of increments that the process has reported. */
  acknowledged = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #ready = Promise.withResolvers<void>();
  #answer = Promise.withResolvers<Answer>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "exit");
    child.on("message", (message) => this.#receive(message));
  }

  static async start(setup: Setup): Promise<StoreProcess> {
    const child = fork(SCRIPT, [JSON.stringify(setup)], { execArgv: COMPILE_CACHE });
    const started = new StoreProcess(child);
    onTestFinished(() => started.kill());
    const ended = started.#ended.then(() => expect.unreachable("the process ended before it was ready"));
    await Promise.race([started.#ready.promise, ended]);
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The outcome, or null if the process ended before it could report. */
  async ask(ask: Ask): Promise<Answer | null> {
    this.#answer = Promise.withResolvers();
    this.#child.send(ask);
    return Promise.race([this.#answer.promise, this.#ended.then(() => null)]);
  }

  /** Continues a stopped process. It may be about to stop, and a SIGCONT that comes before that is lost. */
  async continue(): Promise<void> {
    const again = setInterval(() => this.#child.kill("SIGCONT"), 20);
    await this.#answer.promise.finally(() => clearInterval(again));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #receive(message: unknown): void {
    if (message === "ready") this.#ready.resolve();
    else if (message === "incremented") this.acknowledged++;
    else if (typeof message === "object") this.#answer.resolve(message as Answer);
  }
}

export function startProcesses(count: number, setup: Setup): Promise<StoreProcess[]> {
  return Promise.all(Array.from({ length: count }, () => StoreProcess.start(setup)));
}
