import { type ChildProcess, spawn } from "node:child_process";

/** How long after vsync a signal to the whole group, or to every process of a service, reaches the others. */
const PATIENCE_MS = 25;

/**
 * Tells a signal that was aimed at vsync alone from one that also reached the program: a process beside both that does
 * nothing, and that signals end. It ends with vsync, because its stdin does.
 */
export class Witness implements Disposable {
  #process: ChildProcess;
  #ended: Promise<NodeJS.Signals | null>;

  constructor() {
    [this.#process, this.#ended] = watch();
  }

  /** Whether the signal reached the group. Null if nobody can tell. */
  async saw(signal: NodeJS.Signals): Promise<boolean | null> {
    if (this.#process.pid === undefined) return null;
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), PATIENCE_MS);
    const seen = await Promise.race([this.#ended, promise]);
    clearTimeout(timer);
    if (seen !== null) [this.#process, this.#ended] = watch();
    return seen === signal;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/**
 * Ends the program if vsync is killed (SIGKILL): a shell whose stdin ends with vsync, and that hears nothing else. Without it a
 * supervisor that starts vsync anew would have the program twice.
 */
export class Guard implements Disposable {
  readonly #process: ChildProcess;

  constructor(program: number) {
    const script = 'trap "" HUP INT QUIT TERM USR1 USR2 ALRM; read _; kill -KILL "$1"';
    this.#process = started("/bin/sh", ["-c", script, "sh", String(program)]);
  }

  /** Before somebody else gets the program's pid. */
  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

const awaited = new Set<number>();

/** Whether the runtime waits for this child of ours, and would miss its end if we took it. */
export function isAwaited(pid: number): boolean {
  return awaited.has(pid);
}

function watch(): [ChildProcess, Promise<NodeJS.Signals | null>] {
  const child = started("/bin/cat", []);
  return [child, new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)))];
}

/** Its stdin ends with vsync, and it knows no secret. */
function started(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { env: {}, stdio: ["pipe", "ignore", "ignore"] });
  child.on("error", () => undefined);
  if (child.pid !== undefined) awaited.add(child.pid);
  child.stdin?.on("error", () => undefined);
  return child;
}
