import { join } from "node:path";
import { runtimePath } from "../../test/support/runtimes.ts";
import { JsonLines } from "./json-lines.ts";

/** A program to run. It gets nothing from this process's environment. */
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

/** Starts and measures programs from a small separate process. */
export class Launcher implements AsyncDisposable {
  readonly #process: JsonLines;

  private constructor(process: JsonLines) {
    this.#process = process;
  }

  static async start(): Promise<Launcher> {
    const bun = await runtimePath("bun");
    return new Launcher(new JsonLines("the launcher", [bun, join(import.meta.dirname, "launcher-process.mjs")]));
  }

  /** @throws Error the program exited with another code than 0 */
  async run(program: Program): Promise<Run> {
    const run = await this.#process.ask<Run & { exitCode: number | null; stderr: string }>(program);
    if (run.exitCode === 0) return run;
    throw new Error(`${program.argv.join(" ")} ended with ${run.exitCode}: ${run.stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
