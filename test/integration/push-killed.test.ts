import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

const KILLS = 8;
/** Longer than a push takes on an idle machine: some are killed too late, and some before they begin. */
const LATEST_MS = 700;

/** Starts a push and kills it after `delayMs`. Resolves with true if it had already ended. */
async function pushAndKill(home: VaultHome, value: string, delayMs: number): Promise<boolean> {
  const [command = "", ...first] = programUnderTest();
  const child = spawn(command, [...first, "push", "prod", "--repo=api", "--from=-"], {
    env: { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"] },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const closed = once(child, "close");
  child.stdin.on("error", () => undefined).end(`VALUE=${value}\n`);
  const timer = new AbortController();
  await Promise.race([closed, setTimeout(delayMs, undefined, { signal: timer.signal })]);
  timer.abort();
  child.kill("SIGKILL");
  const [code] = (await closed) as [number | null];
  return code === 0;
}

async function currentValue(home: VaultHome): Promise<string> {
  const shown = await home.run(["run", "prod", "--", "sh", "-c", 'printf %s "$VALUE"']);
  expect(shown.exitCode, shown.stderr).toBe(0);
  return shown.stdout;
}

test("a push that is killed at any moment leaves the old or the new generation, and blocks nobody", async () => {
  await using home = await openVaultHome();
  await home.push({ VALUE: "0" });
  let before = "0";
  for (let kill = 1; kill <= KILLS; kill++) {
    const next = String(kill);
    const finished = await pushAndKill(home, next, (LATEST_MS * kill) / KILLS);
    const after = await currentValue(home);
    expect(finished ? [next] : [before, next]).toContain(after);
    before = after;
  }
  const last = await home.push({ VALUE: "last" });
  expect(last.exitCode, last.stderr).toBe(0);
  expect(await currentValue(home)).toBe("last");
});
