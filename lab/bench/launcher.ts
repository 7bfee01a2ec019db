import { join } from "node:path";
import { runtimePath } from "../../test/support/runtimes.ts";
import { JsonLines } from "./json-lines.ts";

/** A program to run: nothing of this process's environment reaches it. */
export interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** One run of a whole process. */
export interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
}

/** Starts programs from a small process of its own and measures them. */
export class Launcher implements AsyncDisposable {
  readonly #process: JsonLines;

  private constructor(process: JsonLines) {
    this.#process = process;
  }

  static async start(): Promise<Launcher> {
    const bun = await runtimePath("bun");
    return new Launcher(new JsonLines("the launcher", [bun, join(import.meta.dirname, "launcher-process.mjs")]));
  }

  /** @throws Error the program did not end with 0 */
  async run(program: Program): Promise<Run> {
    const run = await this.#process.ask<Run & { exitCode: number | null; stderr: string }>(program);
    if (run.exitCode === 0) return run;
    throw new Error(`${program.argv.join(" ")} ended with ${run.exitCode}: ${run.stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
