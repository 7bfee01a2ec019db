import type { ReadStream } from "node:tty";
import type * as Inquirer from "@inquirer/prompts";
import { Secret } from "../../crypto/secret.ts";
import { InputError, InterruptedError } from "../../errors.ts";
import { LEAVE_PROMPT, surviveStops } from "./job-control.ts";

/** Why an answer is refused, lower case, or null for a good one. */
export type Check = (answer: string) => string | null;

export interface TextQuestion {
  readonly message: string;
  readonly default?: string;
  readonly check?: Check;
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Shown while the choice is the marked one. */
  readonly description?: string;
}

const THEME = { style: { defaultAnswer: (text: string) => `[${text}]`, maskedText: "[input is hidden]" } };

type Prompts = typeof Inquirer;
type Context = { readonly input: ReadStream; readonly output: NodeJS.WritableStream };

/**
 * Asks a person on stderr, so that stdout stays the result's. Every question throws `InputError` where there is nobody to
 * ask, and `InterruptedError` at Ctrl-C, with the terminal as it was.
 */
export class Prompter {
  readonly #streams: () => Context;
  readonly #isInteractive: () => boolean;
  #unhush: (() => void) | undefined;
  #isAsking = false;

  constructor(streams: () => Context, isInteractive: () => boolean) {
    this.#streams = streams;
    this.#isInteractive = isInteractive;
  }

  /** Whether there is someone to ask, and somewhere to show the question. */
  get isInteractive(): boolean {
    return this.#isInteractive();
  }

  /** Whether the terminal shows a question, and waits behind it. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  text({ check, ...question }: TextQuestion): Promise<string> {
    const validate = (answer: string) => check?.(answer) ?? true;
    return this.#ask(question.message, (prompts, context) =>
      prompts.input({ ...question, validate, theme: THEME }, context),
    );
  }

  /**
   * The answer is not shown, nor its length. With `hushAfter` nothing that is typed is shown from then on, until the next
   * question or `speakUp`.
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

  /** No is the default. */
  confirm(message: string): Promise<boolean> {
    return this.#ask(message, (prompts, context) =>
      prompts.confirm({ message, default: false, theme: THEME }, context),
    );
  }

  choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    return this.#ask(message, (prompts, context) => prompts.select({ message, choices, theme: THEME }, context));
  }

  async #ask<T>(message: string, ask: (prompts: Prompts, context: Context) => Promise<T>): Promise<T> {
    if (!this.isInteractive) {
      throw new InputError(`there is no terminal to ask on: ${message}`, { hint: "answer with a flag instead" });
    }
    const prompts = await import("@inquirer/prompts");
    this.speakUp();
    const context = this.#streams();
    const letGo = surviveStops({ ...context, question: message });
    this.#isAsking = true;
    try {
      return await untilInputEnds(ask(prompts, context));
    } catch (error) {
      // The prompt may have hidden the cursor, and left it where it was.
      if (error instanceof InterruptedError) context.output.write(LEAVE_PROMPT);
      throw wasInterrupted(error) ? new InterruptedError("interrupted") : error;
    } finally {
      this.#isAsking = false;
      letGo();
    }
  }
}

/** At Ctrl-D the prompt's line reader closes and never answers, and nothing is left that would keep the process going. */
function untilInputEnds<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new InterruptedError("the input ended at a question"));
    process.once("beforeExit", ended);
    answer.then(resolve, reject).finally(() => process.off("beforeExit", ended));
  });
}

/** By name: the class comes from a package that is loaded late. */
function wasInterrupted(error: unknown): boolean {
  return error instanceof Error && error.name === "ExitPromptError";
}

const CTRL_C = 3;

/**
 * Until the returned function is called, what is typed is neither shown nor kept: for the time between two secrets, in
 * which somebody may type the second one ahead. Ctrl-C works on.
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

/** What a command that asks before it writes was given. */
export interface ConfirmationFlags {
  readonly yes?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/** For what is not to happen by accident. @throws InputError nobody can be asked, and `--yes` does not answer */
export function refuseUnasked(flags: ConfirmationFlags, prompter: Prompter): void {
  if (flags.yes || flags["dry-run"] || prompter.isInteractive) return;
  throw new InputError("missing the confirmation", { hint: "give --yes, or run this on a terminal" });
}
