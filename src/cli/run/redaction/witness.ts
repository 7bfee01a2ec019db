import { type ChildProcess, spawn } from "node:child_process";

/** How long a signal to the whole group, or to all processes of a service, may take to reach the others after vsync. */
const PATIENCE_MS = 25;

/**
 * Tells whether a signal was sent to vsync alone or also reached the program. It is a process next to both that does
 * nothing and that signals end. It ends with vsync, because its stdin does.
 */
export class Witness implements Disposable {
  #process: ChildProcess;
  #ended: Promise<NodeJS.Signals | null>;

  constructor() {
    [this.#process, this.#ended] = watch();
  }

  /** Whether the signal reached the group; null if that is unknown. */
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
 * Kills the program if vsync itself is killed (SIGKILL). It is a shell that ignores all other signals and whose stdin
 * ends with vsync. Without it, a supervisor that restarts vsync would run the program twice.
 */
export class Guard implements Disposable {
  readonly #process: ChildProcess;

  constructor(program: number) {
    const script = 'trap "" HUP INT QUIT TERM USR1 USR2 ALRM; read _; kill -KILL "$1"';
    this.#process = started("/bin/sh", ["-c", script, "sh", String(program)]);
  }

  /** Must happen before another process gets the program's pid. */
  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

const awaited = new Set<number>();

/** Whether the runtime itself waits for this child of ours; it would miss the child's end if we reaped it. */
export function isAwaited(pid: number): boolean {
  return awaited.has(pid);
}

function watch(): [ChildProcess, Promise<NodeJS.Signals | null>] {
  const child = started("/bin/cat", []);
  return [child, new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)))];
}

/** Its stdin ends with vsync, and it gets no secrets. */
function started(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { env: {}, stdio: ["pipe", "ignore", "ignore"] });
  child.on("error", () => undefined);
  if (child.pid !== undefined) awaited.add(child.pid);
  child.stdin?.on("error", () => undefined);
  return child;
}
