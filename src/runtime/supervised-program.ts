import { type ChildProcess, spawn } from "node:child_process";
import { InputError } from "../errors.ts";
import { systemClock } from "../stores/open-store.ts";

interface ProgramOptions {
  /** Program and arguments, without a shell. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Default: the environment of this process. vsync's own variables are removed from either. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

interface Times {
  /**
   * The first wait. It doubles with each restart, up to `longestMs`, and starts over once the program has run that
   * long.
   */
  readonly restartMs: number;
  readonly longestMs: number;
  /** How long the program may take to end before it is killed. */
  readonly graceMs: number;
}

const TIMES: Times = { restartMs: 1000, longestMs: 60_000, graceMs: 10_000 };

/** A program that is restarted whenever it ends. It does not see vsync's variables. */
export class SupervisedProgram {
  readonly #options: ProgramOptions;
  readonly #log: (message: string) => void;
  readonly #times: Times;
  #child: ChildProcess | null = null;
  #waitMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(options: ProgramOptions, log: (message: string) => void, times: Times = TIMES) {
    this.#options = options;
    this.#log = log;
    this.#times = times;
    this.#waitMs = times.restartMs;
  }

  get status(): "running" | "waiting" | "stopped" {
    if (this.#child !== null) return "running";
    return this.#isStopped ? "stopped" : "waiting";
  }

  /**
   * Resolves once the program runs.
   *
   * @throws InputError it cannot be started
   */
  async start(): Promise<void> {
    const [program, ...args] = this.#options.command;
    const startMs = systemClock.nowMs();
    const child = spawn(program, args, {
      env: ownVariables(this.#options.env),
      stdio: ["ignore", "inherit", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => reject(notStarted(program, cause)));
    });
    // Somebody called `stop` while it was starting.
    if (this.#isStopped) child.kill("SIGKILL");
    const endWithUs = (): void => void child.kill("SIGKILL");
    process.once("exit", endWithUs);
    this.#child = child;
    child.once("exit", (code, signal) => {
      process.off("exit", endWithUs);
      this.#child = null;
      if (!this.#isStopped) this.#restart(`${program} ended with ${signal ?? code}`, systemClock.nowMs() - startMs);
    });
  }

  #restart(what: string, ranMs: number): void {
    const { restartMs, longestMs } = this.#times;
    if (ranMs >= longestMs) this.#waitMs = restartMs;
    this.#log(`${what}, and restarts in ${this.#waitMs} ms`);
    this.#timer = setTimeout(() => {
      this.start().catch(({ message }: Error) => this.#restart(message, 0));
    }, this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, longestMs);
  }

  /** Resolves once the program has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), this.#times.graceMs);
    await ended;
    clearTimeout(killing);
  }
}

function notStarted(program: string, cause: Error): InputError {
  return new InputError(`${program} cannot be started: ${cause.message}`, {
    hint: "install it, or name another one",
  });
}

function ownVariables(given: ProgramOptions["env"] = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith("VSYNC_")));
}
