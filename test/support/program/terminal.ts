import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** How long a question may let one wait. */
const PATIENCE_MS = 30_000;

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** A folder for what the session notes down. */
  readonly notes: string;
  readonly showStdout: boolean;
}

export interface TerminalEnd {
  /** All that the terminal was sent, without escape sequences. */
  readonly screen: string;
  /** As it was sent. */
  readonly rawScreen: string;
  /** What went past the terminal; empty where stdout was shown on it. */
  readonly stdout: string;
  readonly exitCode: number | null;
  /** Whether echo, line discipline and size are what they were. */
  readonly isRestored: boolean;
}

/** A program on a pseudo-terminal, which `script` of util-linux makes. */
export class TerminalSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #options: TerminalOptions;
  readonly #closed: Promise<unknown[]>;
  #raw = "";
  #seen = 0;

  constructor(child: ChildProcessWithoutNullStreams, options: TerminalOptions) {
    this.#child = child;
    this.#options = options;
    this.#closed = once(child, "close");
    child.stdin.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#raw += text;
        child.emit("shown");
      });
    }
  }

  get #screen(): string {
    return stripVTControlCharacters(this.#raw);
  }

  /** Waits until the terminal shows this text, after what was waited for before. */
  async shows(text: string): Promise<void> {
    const shown = (): number => this.#screen.indexOf(text, this.#seen);
    await this.until(() => shown() !== -1).catch(() => {
      throw new Error(`the terminal never showed ${JSON.stringify(text)} but:\n${this.#screen.slice(this.#seen)}`);
    });
    this.#seen = shown() + text.length;
  }

  /** Waits until what the terminal was sent so far is as it should be, and returns it. @throws Error the program ended */
  async until(isThere: (rawScreen: string) => boolean): Promise<string> {
    const giveUp = AbortSignal.timeout(PATIENCE_MS);
    while (!isThere(this.#raw)) await this.#next(giveUp);
    return this.#raw;
  }

  /** Types the text and Enter. */
  answer(text: string): void {
    this.#child.stdin.write(`${text}\r`);
  }

  /** Types keys as they are: `\u0003` is Ctrl-C. */
  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Sends a signal to the program itself, and to nothing that started it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await innermost(this.#child.pid ?? 0), signal);
  }

  /** Takes the terminal away, as a lost connection does. The program's exit code. */
  async hangUp(): Promise<number> {
    this.#child.kill("SIGKILL");
    await this.#closed;
    const giveUp = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const code = await readFile(join(this.#options.notes, "code"), "utf8").catch(() => "");
      if (code.endsWith("\n")) return Number(code);
      giveUp.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits for the end of the program. */
  async end(): Promise<TerminalEnd> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MS);
    const [exitCode] = await this.#closed;
    clearTimeout(timer);
    const note = (name: string): Promise<string> => readFile(join(this.#options.notes, name), "utf8").catch(() => "");
    const [stdout, before, after] = await Promise.all(["stdout", "before", "after"].map(note));
    return {
      screen: this.#screen,
      rawScreen: this.#raw,
      stdout: stdout ?? "",
      exitCode: exitCode as number | null,
      isRestored: before !== "" && before === after,
    };
  }

  async #next(giveUp: AbortSignal): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error("the program has ended");
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const onAbort = (): void => reject(giveUp.reason);
    giveUp.addEventListener("abort", onAbort, { once: true });
    this.#child.once("shown", resolve).once("close", reject);
    try {
      await promise;
    } finally {
      giveUp.removeEventListener("abort", onAbort);
      this.#child.removeListener("shown", resolve).removeListener("close", reject);
    }
  }
}

/** The last of a chain of processes, each the only child of the one before: script, its shell, the program. */
async function innermost(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const [child] = children.trim().split(" ").filter(Boolean);
  return child === undefined ? pid : innermost(Number(child));
}

export function startTerminal(command: readonly string[], options: TerminalOptions): TerminalSession {
  const note = (name: string): string => quoted(join(options.notes, name));
  const target = options.showStdout ? "" : ` >${note("stdout")}`;
  const line = [
    // Ctrl-C and a hang-up go to all of the foreground: the shell must outlive them to look at the terminal.
    "trap : INT HUP",
    "stty rows 24 cols 80",
    `stty -a >${note("before")}`,
    `${command.map(quoted).join(" ")}${target}`,
    "code=$?",
    `echo $code >${note("code")}`,
    `stty -a >${note("after")}`,
    "exit $code",
  ].join("; ");
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    cwd: options.cwd,
    env: { ...options.env, SHELL: "/bin/sh" },
  });
  return new TerminalSession(child, options);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
