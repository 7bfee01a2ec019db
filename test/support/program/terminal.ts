import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** The longest wait for a question. */
const PATIENCE_MS = 120_000;

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** A folder for the session's notes. */
  readonly notes: string;
  readonly showStdout: boolean;
}

export interface TerminalEnd {
  /** Everything sent to the terminal, without escape sequences. */
  readonly screen: string;
  /** The bytes as sent. */
  readonly rawScreen: string;
  /** The stdout that bypassed the terminal; empty if the terminal showed it. */
  readonly stdout: string;
  readonly exitCode: number | null;
  /** Whether echo, line discipline and size are unchanged. */
  readonly isRestored: boolean;
}

/** A program on a pseudo-terminal of `script` (util-linux). */
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

  /** Waits until the terminal shows this text, after the text of the last wait. */
  async shows(text: string): Promise<void> {
    const shown = (): number => this.#screen.indexOf(text, this.#seen);
    await this.until(() => shown() !== -1).catch(() => {
      throw new Error(`the terminal never showed ${JSON.stringify(text)} but:\n${this.#screen.slice(this.#seen)}`);
    });
    this.#seen = shown() + text.length;
  }

  /** Waits until the output so far satisfies a condition, and returns it. @throws Error the program ended */
  async until(isThere: (rawScreen: string) => boolean): Promise<string> {
    const giveUp = AbortSignal.timeout(PATIENCE_MS);
    while (!isThere(this.#raw)) await this.#next(giveUp);
    return this.#raw;
  }

  /** Types the text and Enter. */
  answer(text: string): void {
    this.#child.stdin.write(`${text}\r`);
  }

  /** Types raw keys: `\u0003` is Ctrl-C. */
  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Sends a signal to the program alone, not to its parents. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await innermost(this.#child.pid ?? 0), signal);
  }

  /** Hangs up the terminal, like a lost connection. Returns the program's exit code. */
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

/** The last process of a chain of only children: script, its shell, the program. */
async function innermost(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const [child] = children.trim().split(" ").filter(Boolean);
  return child === undefined ? pid : innermost(Number(child));
}

export function startTerminal(command: readonly string[], options: TerminalOptions): TerminalSession {
  const note = (name: string): string => quoted(join(options.notes, name));
  const target = options.showStdout ? "" : ` >${note("stdout")}`;
  const line = [
    // Ctrl-C and a hang-up reach the whole foreground; the shell must survive them to check the terminal.
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
