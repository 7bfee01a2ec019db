import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { canMount } from "../../../test/support/disks.ts";
import { startStrictS3 } from "../../../test/support/strict-s3/server.ts";
import { failingCalls, killedCalls } from "./directory.ts";
import { diskTrials, unmountAll } from "./disk.ts";
import { domainTrials } from "./domain.ts";
import { type Operation, operations } from "./operations.ts";
import { runProgramLevel } from "./program-level.ts";
import type { Level } from "./results.ts";
import { s3Trials } from "./s3.ts";
import { Tally, type Trial } from "./trial.ts";

/** Kills a process only before every n-th file system call, because each kill costs a start. */
const KILLED_EACH = 8;

export interface LevelRun {
  readonly isRun: boolean;
  /** The trials that this machine cannot run, and why. */
  readonly leftOut: string | null;
}

const WHOLE: LevelRun = { isRun: true, leftOut: null };

/** Every trial of every level, one operation after another. */
export class Campaign implements AsyncDisposable {
  readonly tally = new Tally();
  readonly #operations: readonly Operation[];
  readonly #root: string;
  readonly #atOnce: number;
  #number = 0;

  private constructor(all: readonly Operation[], root: string, atOnce: number) {
    this.#operations = all;
    this.#root = root;
    this.#atOnce = atOnce;
  }

  /** @param atOnce the number of programs to run in parallel, on the level that starts programs */
  static async prepare(atOnce: number): Promise<Campaign> {
    return new Campaign(await operations(), await mkdtemp(`${tmpdir()}/vsync-faults-`), atOnce);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unmountAll(`${this.#root}/disk`);
    await rm(this.#root, { recursive: true, force: true });
  }

  /** @throws Error this machine cannot run the level */
  async run(level: Level): Promise<LevelRun> {
    switch (level) {
      case "domain":
        await this.#each((operation) => domainTrials(operation));
        return WHOLE;
      case "S3":
        // Most of the time is waiting.
        await Promise.all(this.#operations.map((operation) => this.#onServer(operation)));
        return WHOLE;
      case "directory":
        await this.#each((operation, folder) => failingCalls(operation, folder), level);
        return WHOLE;
      case "process":
        await this.#each((operation, folder) => killedCalls(operation, folder, KILLED_EACH), level);
        return WHOLE;
      case "disk":
        if (!canMount()) return { isRun: false, leftOut: "all of it: this user may not mount a disk" };
        await this.#each(async (operation, folder) => diskTrials(operation, folder), level);
        return WHOLE;
      case "program":
        return { isRun: true, leftOut: await runProgramLevel(this.#atOnce, (trial) => this.#add([trial])) };
      default:
        return level satisfies never;
    }
  }

  async #each(trials: (operation: Operation, folder: string) => Promise<Trial[]>, name = "none"): Promise<void> {
    for (const [index, operation] of this.#operations.entries()) {
      const folder = `${this.#root}/${name}/${index}`;
      await mkdir(folder, { recursive: true });
      await this.#add(await trials(operation, folder));
    }
  }

  async #onServer(operation: Operation): Promise<void> {
    const server = await startStrictS3();
    try {
      await this.#add(await s3Trials(operation, server));
    } finally {
      await server.close();
    }
  }

  async #add(trials: readonly Trial[]): Promise<void> {
    for (const trial of trials) await this.tally.add(trial, this.#number++);
  }
}
