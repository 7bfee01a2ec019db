/** @module-tag process */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_COST } from "../../src/crypto/argon2id.ts";
import { directoryVault } from "./fixture.ts";
import { runModule } from "./program.ts";

/*
 * A container with 128 MiB: Argon2id takes 64 of them at the default cost, so an app that derives twice at once is killed
 * after a routine rotation, when its token's hint is out of date. What the kernel cannot take back counts against the
 * container; it drops the mapped pages of Node.js itself (RssFile, some 45 MiB that vary from run to run) when it must.
 */

/** One derivation and the app itself; a second derivation would not fit. */
const LIMIT_MIB = 112;
/** As installed, because stripping types needs memory too. */
const BUILT = JSON.stringify(join(import.meta.dirname, "../../dist/library/index.js"));
const NEW = "the passphrase after the rotation";

const PROGRAM = `
  import { readFileSync } from "node:fs";
  import { Vsync } from ${BUILT};
  const gen = await Vsync.open().then(async (v) => { await v.close(); return v.generation; });
  const status = readFileSync("/proc/self/status", "utf8");
  const kiB = (field) => Number(status.split(field + ":")[1].trim().split(" ")[0]);
  console.log(JSON.stringify({ gen, peakMiB: Math.ceil((kiB("VmHWM") - kiB("RssFile")) / 1024) }));
`;

interface Peak {
  readonly gen: number;
  readonly peakMiB: number;
}

async function peakOf(config: string, passphrase: string): Promise<Peak> {
  const env = { VSYNC_CONFIG: config, VSYNC_PASSPHRASE: passphrase };
  const { stdout, stderr, status } = await runModule(PROGRAM, env);
  if (status !== 0) throw new Error(`the app died (${status}): ${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout) as Peak;
}

describe.skipIf(!hasPeak())("an app with a token from before the rotation opens in 128 MiB (Linux has VmHWM)", () => {
  test("before, in and after the grace window", async () => {
    const vault = await directoryVault({ cost: DEFAULT_COST });
    const { config, passphrase } = vault;
    const opened = [await peakOf(config, passphrase)];
    await vault.rotate(NEW, 3_600_000);
    opened.push(await peakOf(config, passphrase), await peakOf(config, NEW));
    await vault.rotate("a third passphrase");
    opened.push(await peakOf(config, "a third passphrase"));
    expect(opened.map(({ gen }) => gen)).toEqual([1, 2, 2, 3]);
    expect(opened.filter(({ peakMiB }) => peakMiB > LIMIT_MIB)).toEqual([]);
  });
});

function hasPeak(): boolean {
  return process.platform === "linux" && readFileSync("/proc/self/status", "utf8").includes("VmHWM");
}
