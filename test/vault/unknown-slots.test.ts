import { beforeEach, expect, test } from "vitest";
import { UnsupportedSpecVersionError } from "../../src/errors.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { passphrasesIn } from "../support/passphrases.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

/** Inside a grace window, and with a slot of a kind that only a later version knows. */
let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  const { vault, signingKey } = await world.writable(NEW);
  const unlock = [{ kind: null, raw: { kind: "scoped", slot: "ci", items: ["A"] } }, ...vault.manifest.unlock];
  world.forge({ ...vault.manifest, unlock }, signingKey);
});

test("readers skip it", async () => {
  expect(await world.secrets()).toEqual({ A: "1" });
  expect(await world.secrets(NEW)).toEqual({ A: "1" });
  expect(passphrasesIn(await world.manifest(NEW)).map((entry) => entry.slot)).toEqual(["p2", "p1"]);
});

test.each<[string, (world: World) => Promise<unknown>]>([
  ["push", (it) => it.push({ A: "2" }, { by: NEW })],
  ["set", (it) => it.set({ A: "2" }, { by: NEW })],
  ["unset", (it) => it.unset(["A"], { by: NEW })],
  ["rotate", (it) => it.rotate(NEW, "a third passphrase")],
  ["finish", (it) => it.finish({ by: NEW })],
  ["restore", (it) => it.restore(2, { by: NEW, oldPassphrase: NEW })],
  ["gc", (it) => it.gc({ by: NEW })],
])("%s is refused rather than shut its holder out", async (_name, write) => {
  const { bucket } = world.fork().store;
  const error = await rejection(write(world));
  expect(error).toBeInstanceOf(UnsupportedSpecVersionError);
  expect(error).toMatchObject({
    message: String.raw`the vault has a slot of the unknown kind "\"scoped\""`,
    hint: "upgrade vsync before writing this vault: this version would shut that slot's holder out",
  });
  expect(world.store.bucket).toEqual(bucket);
});

test("reconcile seals to nobody, and appends the row", async () => {
  world.store.bucket.delete(auditKey(2));
  expect(await world.reconcile({ by: NEW })).toEqual({ gen: 2, appended: true });
});
