import type { InferredArgs, InferredFlags } from "@oclif/core/interfaces";
import type { ArgInput, FlagInput } from "@oclif/core/parser";
import { DAY_TO_DAY_EXIT_CODES, type ExitCodes } from "../../exit-codes.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { Output } from "../terminal/output.ts";
import { Prompter } from "../terminal/prompter.ts";
import { isTerminal, STDERR, STDOUT } from "../terminal/standard-streams.ts";
import { Stdin } from "../terminal/stdin.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { COMMON_FLAGS, type LogLevel } from "./flags.ts";
import { endOnSignals } from "./interruption.ts";
import { createLogger, type Logger, SILENT_LOGGER } from "./logger.ts";
import { type Declaration, parseArgv } from "./parse-argv.ts";

/** What a command was called with. `C` is the command's own class, which declares the flags and arguments. */
export interface Invocation<C extends typeof BaseCommand> {
  readonly flags: InferredFlags<C["flags"] & typeof COMMON_FLAGS>;
  readonly args: InferredArgs<C["args"]>;
  /** What followed `--`; null where there was none, or where the command takes no command line. */
  readonly commandLine: readonly string[] | null;
}

/**
 * A command: parse → one use-case → render. It throws; this class turns errors into words on stderr and an exit code,
 * the same with and without `--json`.
 *
 * The statics are an oclif command's, so that oclif's parser and manifest understand it. It does not extend oclif's own
 * class: that brings error handling, a JSON mode and exit codes of which nothing is used, and a third of a start.
 */
export abstract class BaseCommand {
  /** `audit:verify`; whoever loads a command sets it. */
  static id = "";
  static summary = "";
  static description: string | undefined;
  static examples: string[] = [];
  static usage: string | undefined;
  static args: ArgInput = {};
  static flags: FlagInput = {};
  static baseFlags = COMMON_FLAGS;

  static exitCodes: ExitCodes = DAY_TO_DAY_EXIT_CODES;

  /** The command runs another program: what follows `--` is that program's, and so are the signals. */
  static takesCommandLine = false;

  readonly #argv: readonly string[];
  protected readonly output: Output;
  protected readonly stdin: Stdin;
  protected readonly prompter: Prompter;
  protected readonly env: NodeJS.ProcessEnv;
  /** Silent unless `--log-level` says otherwise. Fields only, never a secret. */
  protected logger: Logger = SILENT_LOGGER;

  /** What reading a secret needs: see `secret-input.ts`. */
  protected get sources(): SecretSources {
    return { variables: this.env, stdin: this.stdin, prompter: this.prompter, output: this.output };
  }

  /** Where a warning goes. */
  protected readonly warnUser = (text: string): void => this.output.warn(text);

  constructor(argv: readonly string[]) {
    this.#argv = argv;
    this.env = process.env;
    this.output = new Output(STDOUT, STDERR, process.env);
    this.stdin = new Stdin(
      () => process.stdin,
      () => isTerminal(0),
    );
    this.prompter = new Prompter(
      () => ({ input: process.stdin, output: process.stderr }),
      () => isTerminal(0) && isTerminal(2),
    );
  }

  /** Throws what went wrong. A subclass gives `C` as its own type: `execute({ flags }: Invocation<typeof Status>)`. */
  protected abstract execute(invocation: Invocation<never>): Promise<void>;

  /** For a command whose exit code is that of the program it ran. */
  protected exitWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  /** Never rejects: a failure is reported and becomes the exit code of the process. */
  async run(): Promise<void> {
    const own = this.constructor as typeof BaseCommand;
    const letGo = own.takesCommandLine ? undefined : endOnSignals(this.output, this.prompter);
    let logLevel: LogLevel = "silent";
    try {
      const parsed = await parseArgv(this.#argv, declarationOf(own));
      logLevel = parsed.flags["log-level"] as LogLevel;
      this.logger = await createLogger(logLevel);
      await this.execute(parsed as Invocation<never>);
    } catch (error) {
      process.exitCode = exitCodeOf(error, own.exitCodes);
      reportFailure(error, this.output, { withStack: logLevel === "debug" });
    } finally {
      letGo?.();
    }
  }
}

function declarationOf({ id, args, baseFlags, flags, usage, takesCommandLine }: typeof BaseCommand): Declaration {
  return { id, args, flags: { ...baseFlags, ...flags }, usage, takesCommandLine };
}
