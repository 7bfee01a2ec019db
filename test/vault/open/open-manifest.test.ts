import { beforeEach, expect, test } from "vitest";
import { MAX_MANIFEST_BYTES } from "../../../src/vault/format/limits.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { ENV, OLD, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

// The vectors in test/vectors/data/manifest cover the order of checks and their messages; these tests cover the next
// steps.
test("an empty passphrase is refused before the store is asked", async () => {
  const fork = world.fork();
  expect(await rejection(fork.openAfresh(""))).toMatchObject({
    name: "ConfigMissingError",
    hint: "set VSYNC_PASSPHRASE or VSYNC_PASSPHRASE_FILE",
  });
  expect(fork.requests).toEqual([]);
});

test.each([
  [undefined, "no vault at memory://", `if this is the right place, make it with \`vsync push ${ENV}\``],
  [0, "no vault at memory://", `if this is the right place, make it with \`vsync push ${ENV}\``],
  [
    1,
    "the vault at memory:// is gone: generation 1 was seen before",
    "if this is where it was, restore the object `manifest` from the store's object versions or a backup",
  ],
])("no vault, with generation %s seen", async (minGen, message, hint) => {
  world.tamper(MANIFEST_KEY, null);
  expect(await rejection(world.openAfresh(OLD, minGen === undefined ? {} : { minGen }))).toMatchObject({
    name: "ManifestNotFoundError",
    message,
    hint,
  });
});

test("the expected vault, env and generation open; another env is named as JSON", async () => {
  const { vault } = world.identity;
  expect((await world.openAfresh(OLD, { vault, env: ENV, minGen: 1 })).manifest.gen).toBe(1);
  expect(await rejection(world.openAfresh(OLD, { env: 'st"g' }))).toMatchObject({
    name: "NotAuthenticError",
    message: String.raw`the manifest belongs to another env than "st\"g"`,
  });
});

test.each([
  [MAX_MANIFEST_BYTES, "the manifest is not a signed note"],
  [MAX_MANIFEST_BYTES + 1, "the manifest is larger than 1 MiB"],
])("%i bytes of something else: %s", async (length, message) => {
  world.tamper(MANIFEST_KEY, new Uint8Array(length).fill(0x20));
  expect(await rejection(world.open())).toMatchObject({ name: "NotAuthenticError", message });
});
