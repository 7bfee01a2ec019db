import type { InferredArgs, InferredFlags } from "@oclif/core/interfaces";
import type { ArgInput, FlagInput } from "@oclif/core/parser";
import { DAY_TO_DAY_EXIT_CODES, type ExitCodes } from "../../exit-codes.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { hasSomebodyToAsk } from "../terminal/controlling-terminal.ts";
import { Output } from "../terminal/output.ts";
import { Prompter } from "../terminal/prompter.ts";
import { isTerminal, OutputFault, STDERR, STDOUT } from "../terminal/standard-streams.ts";
import { Stdin } from "../terminal/stdin.ts";
import { endOnSignals, exitCodeOf, failureJson, reportFailure } from "./ending.ts";
import { COMMON_FLAGS } from "./flags.ts";
import type { Log } from "./log.ts";
import { type Declaration, parseArgv, splitCommandLine } from "./parse-argv.ts";

/** By then, a failed command has written everything. */
const LINGERING_MS = 1_000;

/** The parsed command line. `C` is the command's own class, which declares the flags and arguments. */
export interface Invocation<C extends typeof BaseCommand> {
  readonly flags: InferredFlags<C["flags"] & typeof COMMON_FLAGS>;
  readonly args: InferredArgs<C["args"]>;
  /** The words after `--`; null without one, or if the command takes none. */
  readonly commandLine: readonly string[] | null;
}

/**
 * A command: parse, one use-case, render. It throws on failure; this class turns the error into messages on stderr and
 * an exit code, with and without `--json`.
 *
 * oclif's parser and manifest read the statics. Extending oclif's own class would add error handling, a JSON mode and
 * exit codes that we do not use, and take a third of the start-up time.
 */
export abstract class BaseCommand {
  /** `audit:verify`; set when the command is loaded. */
  static id = "";
  static summary = "";
  static description: string | undefined;
  static examples: string[] = [];
  static usage: string | undefined;
  /** The value of a flag given without one: `{ generate: "32" }`. */
  static bareValues: Readonly<Record<string, string>> = {};
  /** The error for a surplus argument, if it is probably something other than a typo. */
  static surplus: { readonly message: string; readonly hint: string } | undefined;
  static args: ArgInput = {};
  static flags: FlagInput = {};
  static baseFlags = COMMON_FLAGS;

  static exitCodes: ExitCodes = DAY_TO_DAY_EXIT_CODES;

  /** Whether the command runs another program, which gets the words after `--` and the signals. */
  static takesCommandLine = false;

  /** Whether `--json` replaces the result on stdout. If so, failures go there too. */
  static hasJsonResult = true;

  readonly #argv: readonly string[];
  #isInputDeclined = false;
  protected readonly output: Output;
  protected readonly stdin: Stdin;
  protected readonly prompter: Prompter;
  protected readonly variables: NodeJS.ProcessEnv;

  protected get sources(): SecretSources {
    return { variables: this.variables, stdin: this.stdin, prompter: this.prompter, output: this.output };
  }

  constructor(argv: readonly string[]) {
    this.#argv = argv;
    this.variables = process.env;
    this.output = new Output(STDOUT, STDERR, process.env);
    this.stdin = new Stdin(
      () => process.stdin,
      () => isTerminal(0),
    );
    this.prompter = new Prompter(
      () => (isTerminal(0) && isTerminal(2) ? { input: process.stdin, output: process.stderr } : null),
      () => hasSomebodyToAsk(process.env, this.#isInputDeclined),
    );
  }

  /** Throws on failure. A subclass declares its own type: `execute({ flags }: Invocation<typeof Status>)`. */
  protected abstract execute(invocation: Invocation<never>): Promise<void>;

  /** For a command that computes its own exit code, or passes on that of the program it ran. */
  protected exitWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  /** Works even if the command line does not parse. */
  get #wantsJson(): boolean {
    const { flags, hasJsonResult } = this.constructor as typeof BaseCommand;
    return hasJsonResult && "json" in flags && splitCommandLine(this.#argv, true)[0].includes("--json");
  }

  /** Reports a failure and sets the exit code of the process. Never rejects. */
  async run(): Promise<void> {
    const own = this.constructor as typeof BaseCommand;
    const letGo = own.takesCommandLine ? undefined : endOnSignals(this.output, this.prompter);
    let withStack = false;
    let log: Log | null = null;
    try {
      const parsed = await parseArgv(this.#argv, declarationOf(own));
      const level = parsed.flags["log-level"] as string;
      withStack = level === "debug";
      if (level !== "silent") log = (await import("./log.ts")).startLog(level, this.output);
      log?.info({ command: own.id }, "started");
      this.#isInputDeclined = parsed.flags["no-input"] === true;
      await this.execute(parsed as Invocation<never>);
    } catch (error) {
      const exitCode = exitCodeOf(error, own.exitCodes);
      process.exitCode = exitCode;
      log?.error(failureJson(error, exitCode), "failed");
      if (this.#wantsJson && !(error instanceof OutputFault)) this.output.json(failureJson(error, exitCode));
      reportFailure(error, this.output, { withStack });
      // Under Bun nothing can abort a credential source that never answers, and it would keep the process alive.
      setTimeout(() => process.exit(), LINGERING_MS).unref();
      this.prompter.dropAnswers();
    } finally {
      log?.info({ exitCode: process.exitCode ?? 0 }, "ended");
      log?.[Symbol.dispose]();
      letGo?.();
      this.prompter[Symbol.dispose]();
      if (this.prompter.hasPendingRead) process.exit();
    }
  }
}

function declarationOf(own: typeof BaseCommand): Declaration {
  const { id, args, baseFlags, flags, usage, surplus, bareValues, takesCommandLine } = own;
  return { id, args, flags: { ...baseFlags, ...flags }, usage, surplus, bareValues, takesCommandLine };
}
