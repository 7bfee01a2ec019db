import type { ReadStream } from "node:tty";
import type * as Inquirer from "@inquirer/prompts";
import { Secret } from "../../crypto/secret.ts";
import { InputError, InterruptedError } from "../../errors.ts";
import { hasControllingTerminal, openControllingTerminal } from "./controlling-terminal.ts";

/** Why an answer is refused, in lower case; null accepts it. */
export type Check = (answer: string) => string | null;

export interface TextQuestion {
  readonly message: string;
  readonly default?: string;
  readonly check?: Check;
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Shown while the choice is highlighted. */
  readonly description?: string;
}

const THEME = { style: { defaultAnswer: (text: string) => `[${text}]`, maskedText: "[input is hidden]" } };

type Prompts = typeof Inquirer;
type Context = { readonly input: ReadStream; readonly output: NodeJS.WritableStream };

/**
 * Asks on stderr, because stdout carries the result. Every question throws `InputError` without a terminal, and
 * `InterruptedError` at Ctrl-C, after restoring the terminal.
 */
export class Prompter {
  readonly #streams: () => Context;
  readonly #isInteractive: () => boolean;
  #unhush: (() => void) | undefined;
  #isAsking = false;
  #hasPendingRead = false;

  constructor(streams: () => Context, isInteractive: () => boolean) {
    this.#streams = streams;
    this.#isInteractive = isInteractive;
  }

  /** Whether both stdin and stderr are a terminal. */
  get isInteractive(): boolean {
    return this.#isInteractive();
  }

  /** Whether a question is on the screen now. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** Whether a read of the controlling terminal keeps the process alive: Bun waits for the next key even after `destroy`. */
  get hasPendingRead(): boolean {
    return this.#hasPendingRead;
  }

  text({ check, ...question }: TextQuestion): Promise<string> {
    const validate = (answer: string) => check?.(answer) ?? true;
    return this.#ask(question.message, (prompts, context) =>
      prompts.input({ ...question, validate, theme: THEME }, context),
    );
  }

  /**
   * Shows neither the answer nor its length. With `hushAfter`, the terminal keeps echoing nothing until the next question
   * or `speakUp`.
   */
  async secret(message: string, { hushAfter = false } = {}): Promise<Secret> {
    const answer = await this.#ask(message, (prompts, context) =>
      prompts.password({ message, toggleMask: false, theme: THEME }, context),
    );
    if (hushAfter) this.#unhush = hush(this.#streams().input);
    return Secret.ofText(answer);
  }

  speakUp(): void {
    this.#unhush?.();
    this.#unhush = undefined;
  }

  /** Whether `confirm` finds a terminal: stdin may be a pipe that carries the data. */
  get canConfirm(): boolean {
    return this.isInteractive || hasControllingTerminal();
  }

  /** No is the default. Asks on the controlling terminal if stdin or stderr is something else. */
  async confirm(message: string): Promise<boolean> {
    const ask = (prompts: Prompts, context: Context) =>
      prompts.confirm({ message, default: false, theme: THEME }, context);
    if (this.isInteractive || !hasControllingTerminal()) return this.#ask(message, ask);
    using terminal = openControllingTerminal();
    this.#hasPendingRead = process.versions["bun"] !== undefined;
    return await this.#askOn(terminal, message, ask);
  }

  choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    return this.#ask(message, (prompts, context) => prompts.select({ message, choices, theme: THEME }, context));
  }

  async #ask<T>(message: string, ask: (prompts: Prompts, context: Context) => Promise<T>): Promise<T> {
    if (!this.isInteractive) {
      throw new InputError(`cannot ask without a terminal: ${message}`, { hint: "answer with a flag instead" });
    }
    return this.#askOn(this.#streams(), message, ask);
  }

  async #askOn<T>(
    context: Context,
    message: string,
    ask: (prompts: Prompts, context: Context) => Promise<T>,
  ): Promise<T> {
    const prompts = await import("@inquirer/prompts");
    this.speakUp();
    const letGo = surviveStops({ ...context, question: message });
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

/** At Ctrl-D the prompt closes and never answers, so the event loop runs dry. */
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

/**
 * Swallows what is typed, and echoes nothing, until the returned function is called. Between two secrets, a user may
 * already type the second one. Ctrl-C still works.
 */
function hush(input: ReadStream): () => void {
  const swallow = (chunk: Buffer | string): void => {
    if (Buffer.from(chunk as string).includes(CTRL_C)) process.kill(process.pid, "SIGINT");
  };
  input.setRawMode(true);
  input.on("data", swallow).resume().unref();
  return () => {
    input.off("data", swallow).pause().ref();
    input.setRawMode(false);
  };
}

/** The flags of a command that asks before it writes. */
export interface ConfirmationFlags {
  readonly yes?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/** Refuses early what a question would have to answer. @throws InputError no terminal to ask on, and no `--yes` */
export function requireAnswerable(flags: ConfirmationFlags, prompter: Prompter): void {
  if (flags.yes || flags["dry-run"] || prompter.canConfirm) return;
  throw new InputError("missing the confirmation", { hint: "give --yes, or run this on a terminal" });
}

/** What is removed or undone, as a question and as a refusal. Both name repo and env, and what goes. */
export interface Consent {
  /** `Remove A and B from api/prod?` */
  readonly question: string;
  /** `this would remove A and B from api/prod` */
  readonly refusal: string;
  readonly hint: string;
}

/** Asks before something is removed or undone. @throws InputError no terminal to ask on */
export async function consents({ question, refusal, hint }: Consent, prompter: Prompter): Promise<boolean> {
  if (!prompter.canConfirm) throw new InputError(`${refusal}: nothing was written`, { hint });
  return prompter.confirm(question);
}

const NAMED = 5;

/** `A, B and C`, of many names `A, B, C, D, E and 7 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** Shows the cursor, which a prompt hides, and starts a new line. */
export const LEAVE_PROMPT = "\u001b[?25h\n";

interface Questioned {
  readonly input: ReadStream;
  readonly output: NodeJS.WritableStream;
  /** Shown again after `fg`, because the prompt redraws only at the next key. */
  readonly question: string;
}

/**
 * Makes Ctrl-Z and `fg` work at a prompt. Without this, Node's line reader stops with the cursor hidden and stays paused
 * after `fg`, and the shell has turned echo on meanwhile, so the secret would show.
 *
 * @returns a function that ends it
 */
function surviveStops({ input, output, question }: Questioned): () => void {
  const stop = (): void => {
    output.write(LEAVE_PROMPT);
    // Without a listener the signal stops the process; `kill` returns after `fg`.
    process.removeListener("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    process.on("SIGTSTP", stop);
  };
  let wasStopped = false;
  const goOn = (): void => void setImmediate(takeBack);
  const takeBack = (): void => {
    if (process.listenerCount("SIGCONT", goOn) === 0) return;
    wasStopped = true;
    // Node.js remembers the mode from before and skips a call that changes nothing.
    input.setRawMode(false);
    input.setRawMode(true);
    input.resume();
    output.write(`? ${question} `);
  };
  process.on("SIGTSTP", stop).on("SIGCONT", goOn);
  return () => {
    process.removeListener("SIGTSTP", stop).removeListener("SIGCONT", goOn);
    // The line reader believes it is paused already.
    if (wasStopped) input.pause();
  };
}
