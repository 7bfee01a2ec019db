import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;

beforeAll(async () => {
  home = await openVaultHome();
  await home.push({ GREETING: "hello" });
});
afterAll(() => home[Symbol.asyncDispose]());

describe("vsync run", () => {
  test.each(["-", "/proc/self/fd/0", "passphrase"])(
    "keeps stdin to itself if the passphrase came from it: --passphrase-file=%s <file",
    async (file) => {
      await home.sandbox.write("work/passphrase", PASSPHRASE, 0o600);
      const [command = "", ...first] = programUnderTest();
      const stdin = openSync(join(home.sandbox.work, "passphrase"), "r");
      // The program goes back to the beginning of whatever its stdin is, and reads.
      const script =
        "import os\ntry: os.lseek(0, 0, 0)\nexcept OSError: pass\nprint(os.environ['GREETING'], os.read(0, 100))";
      const args = ["run", "prod", "--repo=api", `--passphrase-file=${file}`, "--", "python3", "-c", script];
      const ran = spawnSync(command, [...first, ...args], {
        env: { HOME: home.sandbox.home, PATH: process.env["PATH"] ?? "" },
        cwd: home.sandbox.work,
        stdio: [stdin, "pipe", "pipe"],
        encoding: "utf8",
      });
      closeSync(stdin);
      expect(ran).toMatchObject({ stdout: "hello b''\n", stderr: "", status: 0 });
    },
  );

  test.each([
    ["SIGTERM", 15],
    ["SIGUSR1", 10],
  ] as const)("hands %s on, and comes back with the program's own exit code", async (signal, number) => {
    const script = `trap 'echo got ${signal}; exit 42' ${number}; echo ready; while :; do sleep 0.05; done`;
    const ran = await signalled(script, signal);
    expect(ran).toEqual({ stdout: `ready\ngot ${signal}\n`, code: 42 });
  });

  test("comes back with 128 + the signal that ended the program", async () => {
    expect(await signalled("echo ready; exec sleep 60", "SIGTERM")).toEqual({ stdout: "ready\n", code: 143 });
  });
});

/** Runs a script that says `ready`, and then sends vsync the signal. */
async function signalled(script: string, signal: NodeJS.Signals): Promise<{ stdout: string; code: number | null }> {
  const [command = "", ...first] = programUnderTest();
  const child = spawn(command, [...first, "run", "prod", "--repo=api", "--", "sh", "-c", script], {
    env: { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (stdout === "" && chunk.includes("ready")) child.kill(signal);
    stdout += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { stdout, code };
}
