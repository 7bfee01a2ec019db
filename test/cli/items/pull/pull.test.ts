import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { findOutdated, planFiles, pullFiles, pullTarget, writeFiles } from "../../../../src/cli/items/pull/pull.ts";
import { AccessDeniedError, ConflictError, InputError } from "../../../../src/errors.ts";
import type { OpenedVault } from "../../../../src/vault/open/open.ts";
import { ENV, holderOf, OLD, World } from "../../../support/world.ts";

const IGNORED = { warn: () => undefined };

let world: World;
let folder: string;
let places: { to: string; "files-dir": string; force: boolean };
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
  places = { to: join(folder, ".env.prod"), "files-dir": folder, force: false };
  await pullFiles({ ...(await world.open(OLD)), outdated: [], config: null }, places, IGNORED.warn);
});

function outdated(vault: OpenedVault) {
  const request = { holder: holderOf(OLD), expect: { env: ENV } };
  return findOutdated(vault, places, { ports: world, request, olderHolder: async () => null });
}

test("a file that somebody saves while the vault is asked is not overwritten", async () => {
  await world.push({ A: "2" });
  const vault = await world.open(OLD);
  const before = await outdated(vault);
  expect(before.map(({ path }) => path)).toEqual([places.to]);
  await writeFile(places.to, "A=mine\n");
  await expect(pullFiles({ ...vault, outdated: before, config: null }, places, IGNORED.warn)).rejects.toThrow(
    ConflictError,
  );
  expect(await readFile(places.to, "utf8")).toBe("A=mine\n");
});

test("an app's key, which reads no audit rows, cannot tell whether a file is only older", async () => {
  await world.push({ A: "2" });
  const vault = await world.open(OLD);
  world.store.faults = {
    before({ key }) {
      if (key.startsWith("audit/")) throw new AccessDeniedError("access denied");
    },
  };
  expect(await outdated(vault)).toEqual([]);
});

test("a pull that fails half-way leaves the dotenv file, whose first line names the generation of all files", async () => {
  const before = await readFile(places.to, "utf8");
  await world.push({ A: "2" });
  const vault = await world.open(OLD);
  const target = { ...pullTarget(vault, places), keepsOwn: false };
  const ca = { ...vault.bundle.items[0], name: "ca.pem", kind: "file" } as (typeof vault.bundle.items)[number];
  const files = await planFiles([...vault.bundle.items, ca], target);
  await mkdir(join(folder, "ca.pem"));
  await expect(writeFiles(files, vault.manifest, IGNORED)).rejects.toThrow(InputError);
  expect(await readFile(places.to, "utf8")).toBe(before);
});
