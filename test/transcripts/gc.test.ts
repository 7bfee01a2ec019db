import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOn, machineOnDisk, NEW, OLD, startStrictS3 } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

const ALL_BUT_CURRENT = ["--keep=1", "--older-than=0s"];
const DIRECTORY_NOTE = "backups and snapshots of the directory keep what gc removes\n";

let machine: Machine;
/** Four generations; nothing else. */
beforeEach(async () => {
  machine = await machineOnDisk();
  for (const value of ["2", "3", "4"]) {
    const { exitCode, stderr } = await machine.run(["push", "prod", "--from=-"], { stdin: `A=${value}\n` });
    expect(exitCode, stderr).toBe(0);
  }
});
afterEach(() => machine[Symbol.asyncDispose]());

const gc = (args: readonly string[], env: Record<string, string> = {}): Promise<Transcript> =>
  machine.run(["gc", "prod", ...args], { env });

async function bundles(of: Machine = machine): Promise<string[]> {
  return Object.keys(await of.objects()).filter((key) => key.startsWith("v="));
}

test("--dry-run: the keys on stdout, nothing removed, no --yes needed", async () => {
  const objects = await machine.objects();
  const [first, second, third] = await bundles();
  expect(await gc(["--dry-run", ...ALL_BUT_CURRENT])).toEqual({
    stdout: `${first}\n${second}\n${third}\n`,
    stderr: `would remove 3 bundles; dry run: nothing was written\n${DIRECTORY_NOTE}`,
    exitCode: 0,
  });
  expect(JSON.parse((await gc(["--dry-run", "--json", ...ALL_BUT_CURRENT])).stdout)).toEqual({
    env: "prod",
    found: [first, second, third],
    removed: [],
    gen: null,
  });
  expect(await machine.objects()).toEqual(objects);
});

test("removes the old bundles, and a row says so", async () => {
  const [first, second, third, current] = await bundles();
  expect(await gc(["--yes", "--note=spring", ...ALL_BUT_CURRENT])).toEqual({
    stdout: `${first}\n${second}\n${third}\n`,
    stderr: `✓ Removed 3 bundles of prod (gen=5)\n${DIRECTORY_NOTE}`,
    exitCode: 0,
  });
  const left = await bundles();
  expect(left).toHaveLength(2);
  expect(left[0]).toBe(current);
  const manifest = await machine.manifest();
  expect(manifest).toMatchObject({
    action: "gc",
    note: "spring",
    meta: { event: "gc", removed: [first, second, third] },
  });
  expect(left[1]).toBe(manifest.bundle.key);
  expect(await machine.chain(OLD)).toEqual({ gens: [1, 2, 3, 4, 5], outstanding: null });
  const { generations } = JSON.parse((await machine.run(["history", "prod", "--json"])).stdout);
  expect(generations.map((it: { bundle: string }) => it.bundle)).toEqual(["gone", "gone", "gone", "kept", "current"]);
});

test("--keep and --older-than both hold", async () => {
  expect(await gc(["--dry-run", "--keep=3", "--older-than=0s"])).toMatchObject({ stdout: `${(await bundles())[0]}\n` });
  for (const args of [["--keep=4", "--older-than=0s"], ["--keep=1", "--older-than=1h"], ["--keep=1"], []]) {
    const nothing = { stdout: "", stderr: "there is nothing to remove\n", exitCode: 0 };
    expect(await gc(["--yes", ...args])).toEqual(nothing);
  }
});

test("what a commit that was cut short has left goes, too", async () => {
  await machine.store.create("v=20200101T000000000Z", new TextEncoder().encode("orphan"));
  expect(await gc(["--yes", "--json"])).toMatchObject({ exitCode: 0 });
  expect(await bundles()).not.toContain("v=20200101T000000000Z");
});

test("a terminal is asked; no is the default", async () => {
  const objects = await machine.objects();
  const [first, , third] = await bundles();
  const session = await machine.terminal(["gc", "prod", ...ALL_BUT_CURRENT]);
  await session.shows("Remove 3 bundles");
  session.answer("");
  const { screen, stdout, exitCode } = await session.end();
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  expect(screen.replaceAll(/\s+/g, " ")).toContain(`from ${first} to ${third}? [y/N]`);
  expect(screen).toContain("nothing was removed");
  expect(await machine.objects()).toEqual(objects);
});

test("without a terminal it does not remove unasked: 1", async () => {
  const transcript = await gc(ALL_BUT_CURRENT);
  expect(transcript).toMatchObject({ stdout: "", exitCode: 1 });
  expect(transcript.stderr).toContain("vsync: error: missing the confirmation\nvsync: hint: give --yes");
});

test.each([["--keep=0"], ["--older-than=30"], ["--older-than=-1d"]])("%s: 1", async (flag) => {
  expect(await gc(["--yes", flag])).toMatchObject({ stdout: "", exitCode: 1 });
});

describe("after a rotation with grace", () => {
  test("both passphrases open all the same; old generations are gone, also for who knows the old passphrase", async () => {
    await machine.rotate(["--grace=1h"]);
    const refused = await gc(["--yes", ...ALL_BUT_CURRENT]);
    expect(refused).toMatchObject({ stdout: "", exitCode: 1 });
    expect(refused.stderr).toContain("this passphrase can only read until ");
    expect(await gc(["--yes", ...ALL_BUT_CURRENT], { VSYNC_PASSPHRASE: NEW })).toMatchObject({ exitCode: 0 });
    expect(await machine.sight(OLD)).toBe("reads");
    expect(await machine.sight(NEW)).toBe("writes");
    expect(await bundles()).toHaveLength(2);
  });
});

test("a bucket: says that versions stay, and how to expire them", async () => {
  const server = await startStrictS3();
  await using remote = await machineOn(server);
  await remote.rotateElsewhere(OLD, NEW);
  await remote.rotateElsewhere(NEW, OLD);
  const transcript = await remote.run(["gc", "prod", "--yes", ...ALL_BUT_CURRENT]);
  expect(transcript).toMatchObject({ exitCode: 0 });
  expect(transcript.stderr).toContain("a versioned bucket keeps old versions of what gc removes, and of the manifest");
  expect(transcript.stderr).toContain("NoncurrentVersionExpiration");
  expect(await bundles(remote)).toHaveLength(2);
  await server.close();
});
