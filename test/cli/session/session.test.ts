import { beforeEach, expect, test, vi } from "vitest";
import type { SecretSources } from "../../../src/cli/inputs/secret-input.ts";
import { sessionOn } from "../../../src/cli/session/session.ts";
import type { PassphraseKey } from "../../../src/crypto/kdf.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { PASSPHRASE } from "../../support/vault-fixture.ts";
import { makeConfig } from "../config-fixture.ts";

/** What happened, in order. */
const events: string[] = [];
let derived: PassphraseKey;
let storeFault: Error | null;

vi.mock("../../../src/crypto/kdf.ts", async (original) => ({
  ...(await original<typeof import("../../../src/crypto/kdf.ts")>()),
  derivePassphraseKey: async () => {
    events.push("derivation");
    return derived;
  },
}));

vi.mock("../../../src/cli/session/store.ts", () => ({
  openStore: async () => {
    events.push("store");
    if (storeFault !== null) throw storeFault;
    return new MemoryStore();
  },
}));

beforeEach(() => {
  events.length = 0;
  storeFault = null;
  const bytes = () => new Uint8Array(32).fill(1);
  derived = { seed: Secret.ofBytes(bytes()), mac: Secret.ofBytes(bytes()), recipient: bytes() };
});

const sources = { variables: { VSYNC_PASSPHRASE: PASSPHRASE }, output: {} } as unknown as SecretSources;
const zeroes = new Uint8Array(32);

test("the key is derived while the store's code is loaded and the command reads its input", async () => {
  const session = await sessionOn(makeConfig(), {}, sources);
  expect(events).toEqual(["derivation", "store"]);
  session[Symbol.dispose]();
  await Promise.resolve();
  expect(derived.seed.expose()).toEqual(zeroes);
});

test("the key is zeroed if the store cannot be opened", async () => {
  storeFault = new Error("no such network");
  await expect(sessionOn(makeConfig(), {}, sources)).rejects.toBe(storeFault);
  expect(events).toEqual(["derivation", "store"]);
  await Promise.resolve();
  expect(derived.seed.expose()).toEqual(zeroes);
});
