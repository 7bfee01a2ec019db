import type { ReadStream } from "node:tty";
import type * as Inquirer from "@inquirer/prompts";
import { Secret } from "../../crypto/secret.ts";
import { InputError, InterruptedError } from "../../errors.ts";
import {
  type ControllingTerminal,
  dropTypedAhead,
  openControllingTerminal,
  type Terminal,
} from "./controlling-terminal.ts";

/** Why an answer is not accepted, starting in lower case; null accepts it. */
export type Check = (answer: string) => string | null;

export interface TextQuestion {
  readonly message: string;
  readonly default?: string;
  readonly check?: Check;
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Shown in place of `name` once it is chosen. */
  readonly short?: string;
  /** Shown while the choice is highlighted. */
  readonly description?: string;
}

const THEME = { style: { defaultAnswer: (text: string) => `[${text}]`, maskedText: "[input is hidden]" } };

type Prompts = typeof Inquirer;

/**
 * Asks on the terminal that the program was started from, through stdin and stderr if they are that terminal. stdout is
 * for the result. Every question throws `InputError` without a terminal, and `InterruptedError` at Ctrl-C after
 * restoring the terminal.
 */
export class Prompter implements Disposable {
  readonly #streams: () => Terminal | null;
  readonly #isInteractive: () => boolean;
  #terminal: ControllingTerminal | undefined;
  #last: Terminal | undefined;
  #unhush: (() => void) | undefined;
  #isAsking = false;

  /**
   * @param streams stdin and stderr, or null if one of them is not a terminal
   * @param isInteractive whether somebody can be asked
   */
  constructor(streams: () => Terminal | null, isInteractive: () => boolean) {
    this.#streams = streams;
    this.#isInteractive = isInteractive;
  }

  /** Whether somebody can be asked. */
  get isInteractive(): boolean {
    return this.#isInteractive();
  }

  /** Whether a question is on the screen now. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /**
   * Whether a read of the controlling terminal keeps the process alive: even after `destroy`, Bun waits for the next
   * key.
   */
  get hasPendingRead(): boolean {
    return this.#terminal !== undefined && process.versions["bun"] !== undefined;
  }

  text({ check, ...question }: TextQuestion): Promise<string> {
    const validate = (answer: string) => check?.(answer) ?? true;
    return this.#ask(question.message, (prompts, context) =>
      prompts.input({ ...question, validate, theme: THEME }, context),
    );
  }

  /**
   * Shows neither the answer nor its length. The terminal stays silent until the next question, `speakUp`, or the end,
   * because while a key is derived, users may type the secret again, or the next one.
   */
  async secret(message: string): Promise<Secret> {
    const answer = await this.#ask(message, (prompts, context) =>
      prompts.password({ message, toggleMask: false, theme: THEME }, context),
    );
    this.#unhush = hush(this.#context().input);
    return Secret.ofText(answer);
  }

  /** Restores echo after a secret. Call it before another program gets the terminal. */
  speakUp(): void {
    this.#unhush?.();
    this.#unhush = undefined;
  }

  /** The default is no. */
  confirm(message: string): Promise<boolean> {
    return this.#ask(message, (prompts, context) =>
      prompts.confirm({ message, default: false, theme: THEME }, context),
    );
  }

  choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    return this.#ask(message, (prompts, context) => prompts.select({ message, choices, theme: THEME }, context));
  }

  /** After a failure the user may still be typing an answer, which must not end up in the shell. */
  dropAnswers(): void {
    if (this.#last === undefined) return;
    dropTypedAhead(this.#last.input);
    this.#last.input.setRawMode(false);
  }

  [Symbol.dispose](): void {
    if (this.#unhush !== undefined) this.dropAnswers();
    this.speakUp();
    this.#terminal?.[Symbol.dispose]();
  }

  #context(): Terminal {
    const streams = this.#streams();
    if (streams !== null) return streams;
    this.#terminal ??= openControllingTerminal();
    return this.#terminal;
  }

  async #ask<T>(message: string, ask: (prompts: Prompts, context: Terminal) => Promise<T>): Promise<T> {
    if (!this.isInteractive) {
      throw new InputError(`cannot ask without a terminal: ${message}`, { hint: "answer with a flag instead" });
    }
    const context = this.#context();
    this.#last = context;
    const prompts = await import("@inquirer/prompts");
    this.speakUp();
    dropTypedAhead(context.input);
    const letGo = surviveStops(context, message);
    this.#isAsking = true;
    try {
      return await untilInputEnds(ask(prompts, context));
    } catch (error) {
      // The prompt may have hidden the cursor and left it on the question.
      if (error instanceof InterruptedError) context.output.write(LEAVE_PROMPT);
      throw wasInterrupted(error) ? new InterruptedError("interrupted") : error;
    } finally {
      this.#isAsking = false;
      letGo();
    }
  }
}

/** At Ctrl-D the prompt closes without an answer, so the event loop runs dry. */
function untilInputEnds<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new InterruptedError("the input ended before the answer"));
    process.once("beforeExit", ended);
    answer.then(resolve, reject).finally(() => process.off("beforeExit", ended));
  });
}

/** Compares names, because the class comes from a package that is loaded on demand. */
function wasInterrupted(error: unknown): boolean {
  return error instanceof Error && error.name === "ExitPromptError";
}

const CTRL_C = 3;
const CTRL_Z = 26;
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Discards what is typed, without echo, until you call the returned function. Ctrl-C and Ctrl-Z still reach all
 * foreground processes, as the terminal itself would send them.
 */
function hush(input: ReadStream): () => void {
  const swallow = (chunk: Buffer | string): void => {
    const keys = Buffer.from(chunk as string);
    if (keys.includes(CTRL_C)) process.kill(0, "SIGINT");
    if (keys.includes(CTRL_Z)) stop();
  };
  const stop = (): void => {
    input.setRawMode(false);
    process.kill(0, "SIGTSTP");
    setImmediate(() => input.setRawMode(isHushed));
  };
  let isHushed = true;
  const end = (): void => {
    isHushed = false;
    for (const signal of ENDING) process.off(signal, die);
    input.off("data", swallow).pause().ref();
    input.setRawMode(false);
  };
  // Unhandled, the signal would leave the terminal without echo.
  const die = (signal: NodeJS.Signals): void => {
    end();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.prependListener(signal, die);
  input.setRawMode(true);
  input.on("data", swallow).resume().unref();
  return end;
}

/** Shows the cursor, which a prompt hides, and starts a new line. */
export const LEAVE_PROMPT = "\u001b[?25h\n";

/**
 * Makes Ctrl-Z and `fg` work at a prompt. Otherwise Node's line reader stops with the cursor hidden and stays paused
 * after `fg`; and because the shell has turned echo on by then, the secret would show.
 *
 * @returns a function that undoes this
 */
function surviveStops({ input, output }: Terminal, question: string): () => void {
  const stop = (): void => {
    output.write(LEAVE_PROMPT);
    // Without a listener, the signal stops the process; `kill` returns after `fg`.
    process.removeListener("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    process.on("SIGTSTP", stop);
  };
  let wasStopped = false;
  const goOn = (): void => void setImmediate(takeBack);
  const takeBack = (): void => {
    if (process.listenerCount("SIGCONT", goOn) === 0) return;
    wasStopped = true;
    // Node.js remembers the earlier mode and would skip a call that changes nothing.
    input.setRawMode(false);
    input.setRawMode(true);
    input.resume();
    // The prompt itself redraws only at the next key.
    output.write(`? ${question} `);
  };
  process.on("SIGTSTP", stop).on("SIGCONT", goOn);
  return () => {
    process.removeListener("SIGTSTP", stop).removeListener("SIGCONT", goOn);
    // The line reader thinks that it is already paused.
    if (wasStopped) input.pause();
  };
}
