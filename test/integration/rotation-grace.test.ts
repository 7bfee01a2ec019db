import { rename } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { describe, expect, inject, test } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { type Machine, machineOnDisk, machineOnRealS3, NEW, OLD } from "../support/program/machine.ts";

const REBOOT_MS = 100;

/** An app that boots, serves its one value and boots again, from a token and the file that its secret store writes. */
class App implements AsyncDisposable {
  readonly failures: unknown[] = [];
  /** The vault's generation at each successful boot. */
  readonly generations: number[] = [];
  readonly #env: Record<string, string>;
  readonly #ended: Promise<void>;
  #isEnding = false;

  constructor(env: Record<string, string>) {
    this.#env = env;
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      try {
        await using vault = await Vsync.open({ env: this.#env });
        vault.require("DATABASE_URL");
        this.generations.push(vault.generation);
      } catch (error) {
        this.failures.push(error);
      }
      await setTimeout(REBOOT_MS);
    }
  }

  /** Waits for this many more successful boots, all of at least this generation. */
  async boots(count: number, generation: number): Promise<void> {
    const from = this.generations.length;
    const booted = () => this.generations.slice(from).filter((gen) => gen >= generation).length;
    await expect.poll(booted).toBeGreaterThanOrEqual(count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    await this.#ended;
  }
}

/** Replaces a mounted file as a secret store does: a new file takes its place. */
async function deliver(machine: Machine, passphrase: string): Promise<string> {
  const fresh = await machine.sandbox.write("mount/passphrase.next", `${passphrase}\n`);
  const path = `${machine.sandbox.folder}/mount/passphrase`;
  await rename(fresh, path);
  return path;
}

async function startApp(machine: Machine): Promise<App> {
  const { stdout, stderr, exitCode } = await machine.run(["runtime-token", "--env=prod"]);
  expect(exitCode, stderr).toBe(0);
  return new App({ VSYNC_CONFIG: stdout.trim(), VSYNC_PASSPHRASE_FILE: await deliver(machine, OLD) });
}

async function must(machine: Machine, passphrase: string, args: readonly string[], stdin = ""): Promise<void> {
  const env = { VSYNC_PASSPHRASE: passphrase, VSYNC_NEW_PASSPHRASE: NEW };
  const { exitCode, stderr } = await machine.run(args, { env, stdin });
  expect(exitCode, stderr).toBe(0);
}

describe.each([
  ["a directory", machineOnDisk, true],
  ["a real S3 server", machineOnRealS3, inject("s3") !== null],
] as const)("an app that reboots all the time: %s", (_name, open, isThere) => {
  const opened = async (): Promise<Machine> => {
    const machine = await open();
    if (machine === null) throw new Error("no real S3 server");
    return machine;
  };

  test.skipIf(!isThere)(
    "with --grace it never fails: rotation, secret store, push, --finish",
    async () => {
      await using machine = await opened();
      await using app = await startApp(machine);
      await app.boots(3, 1);
      await must(machine, OLD, ["rotate-passphrase", "--env=prod", "--yes", "--grace=1h"]);
      await app.boots(3, 2);
      await must(machine, NEW, ["push", "prod", "--from=-", "--yes"], "DATABASE_URL=while-the-old-one-reads");
      await app.boots(3, 3);
      await deliver(machine, NEW);
      await app.boots(3, 3);
      await must(machine, NEW, ["rotate-passphrase", "--env=prod", "--finish", "--yes"]);
      await app.boots(3, 4);
      expect(app.failures).toEqual([]);
      expect([...new Set(app.generations)]).toEqual([1, 2, 3, 4]);
    },
    300_000,
  );
});
