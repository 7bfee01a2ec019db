import { expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import { openWithKeys } from "../../../src/vault/open/open.ts";
import { RootKeys } from "../../../src/vault/unlock/bundle-keys.ts";
import { CredentialHolder } from "../../../src/vault/unlock/credential-holder.ts";
import { ENV, rejection, World } from "../../support/world.ts";

// What a holder opens, and what it refuses: the vectors `scoped`.

const SIGNS_AND_VERIFIES = ["api.gateway.sign", "api.tokens.verify"];

test.each([
  ["all items", [...SIGNS_AND_VERIFIES, "secrets.items.read"]],
  ["a view", SIGNS_AND_VERIFIES],
])(
  "the keys to %s are zeroed with all that the slot gave, and the holder's with the holder",
  async (what, permissions) => {
    const world = await World.pushed();
    await world.rotateGatewayKeys();
    const { plan, committed } = await world.createToken({ permissions });
    const credential = plan.credential ?? expect.unreachable();
    const holder = new CredentialHolder(credential, committed === null ? undefined : anchorOf(committed.manifest));
    const { bundle, unlocked } = await openWithKeys(world, { holder, expect: { env: ENV } });
    const { keys } = bundle;
    expect(keys instanceof RootKeys).toBe(what === "all items");
    const signers = keys.token?.signers.map(({ seed }) => seed.expose()) ?? [];
    const derived = keys.derive("a use");
    const isZero = (bytes: Uint8Array | null): boolean | undefined => bytes?.every((byte) => byte === 0);
    expect([...signers, keys.verifyKey()].map(isZero)).toEqual([false, false]);
    // The caller zeroes it, and gets it again.
    keys.verifyKey()?.fill(0);
    expect(isZero(keys.verifyKey())).toBe(false);
    keys[Symbol.dispose]();
    expect([...signers, keys.verifyKey()].map(isZero)).toEqual([true, true]);
    expect(Buffer.compare(keys.derive("a use"), derived)).not.toBe(0);

    (await unlocked.openSlot(bundle.header))[Symbol.dispose]();
    holder[Symbol.dispose]();
    expect(await rejection(unlocked.openSlot(bundle.header))).toMatchObject({ name: "BundleCorruptError" });
    const unused = new CredentialHolder(credential, "");
    unused[Symbol.dispose]();
    expect(await unused.agent()).not.toBe(await holder.agent());
  },
);

test("what a holder cannot be or do is an error with the next step", async () => {
  const world = await World.pushed();
  const { plan } = await world.createToken();
  const credential = plan.credential ?? expect.unreachable();
  const made = (text: Secret) => () => new CredentialHolder(text, undefined);
  expect(made(Secret.ofText(""))).toThrow(
    expect.objectContaining({ name: "ConfigMissingError", hint: expect.stringContaining("vsync tokens create") }),
  );
  expect(made(credential)).toThrow(
    expect.objectContaining({ name: "ConfigInvalidError", hint: expect.stringContaining("vsync runtime-token") }),
  );
  using holder = new CredentialHolder(credential, "");
  expect(await rejection(holder.openOlderSlot())).toMatchObject({
    name: "InputError",
    hint: expect.stringContaining("passphrase"),
  });
});
