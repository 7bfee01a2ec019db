import type * as nodeCrypto from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { COST, rejection } from "../support/world.ts";

/** `argon2` as a package and as `crypto.argon2`, each set by a test; null means missing. */
type Own = typeof nodeCrypto.argon2;
async function argon2idWith(addon: (() => object) | null, own: Own | null) {
  vi.doMock("argon2", () => {
    if (addon === null) throw new Error("no such package");
    return addon();
  });
  vi.doMock("node:crypto", async (original) => {
    const { argon2: _own, default: _default, ...others } = await original<Record<string, unknown>>();
    return { ...others, default: others, argon2: own ?? undefined };
  });
  return import("../../src/crypto/argon2id.ts");
}

const PASSPHRASE = Buffer.from("passphrase");
const cost = { ...COST, salt: new Uint8Array(16) };

beforeEach(() => {
  vi.resetModules();
  return () => {
    vi.doUnmock("argon2");
    vi.doUnmock("node:crypto");
  };
});

test("without the package, the runtime's own Argon2id is used", async () => {
  const own = vi.fn((_name: string, { tagLength }: { tagLength: number }, done: (e: null, key: Buffer) => void) =>
    done(null, Buffer.alloc(tagLength, 5)),
  );
  const { argon2id, loadAddonArgon2id } = await argon2idWith(null, own as unknown as Own);
  expect(await loadAddonArgon2id()).toBeNull();
  expect(await argon2id(PASSPHRASE, cost, 32)).toEqual(Buffer.alloc(32, 5));
  expect(own).toHaveBeenCalledOnce();
  expect(own.mock.calls[0]?.slice(0, 2)).toEqual([
    "argon2id",
    { message: PASSPHRASE, nonce: cost.salt, passes: 1, memory: 8192, parallelism: 1, tagLength: 32 },
  ]);
});

test("an error of the runtime's own passes through", async () => {
  const failed = new Error("no memory");
  const own = (_name: string, _parameters: unknown, done: (e: Error) => void) => done(failed);
  const { argon2id } = await argon2idWith(null, own as unknown as Own);
  expect(await rejection(argon2id(PASSPHRASE, cost, 32))).toBe(failed);
});

test("with the package, the runtime's own is not used", async () => {
  const hash = vi.fn(async () => Buffer.alloc(32, 6));
  const { argon2id, builtInArgon2id } = await argon2idWith(() => ({ argon2id: 2, hash }), null);
  expect(builtInArgon2id()).toBeNull();
  expect(await argon2id(PASSPHRASE, cost, 32)).toEqual(Buffer.alloc(32, 6));
  expect(await argon2id(PASSPHRASE, cost, 32)).toEqual(Buffer.alloc(32, 6));
  expect(hash).toHaveBeenCalledTimes(2);
});

test("without both, the error says what to install", async () => {
  const { argon2id } = await argon2idWith(null, null);
  expect(await rejection(argon2id(PASSPHRASE, cost, 32))).toMatchObject({
    name: "InputError",
    message: "neither the package argon2 nor this runtime's own crypto offers Argon2id",
    hint: "install argon2 with the app and keep it out of the bundle, or run on Node.js 24.7 or newer",
  });
});
