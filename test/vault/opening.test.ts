import { beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { AccessDeniedError, S3UnreachableError, WrongPassphraseError } from "../../src/errors.ts";
import { openVault } from "../../src/vault/open.ts";
import type { GetOptions, ObjectStore } from "../../src/vault/ports.ts";
import { ENV, OLD, pushedWorld, rejection, secretsOf, type World } from "./fixture.ts";

let world: World;
beforeEach(async () => {
  world = await pushedWorld({ A: "1" });
});

function opening(store: ObjectStore, passphrase: string, signal?: AbortSignal) {
  const request = { passphrase: Secret.ofText(passphrase), expect: { env: ENV } };
  return openVault({ ...world, store }, signal === undefined ? request : { ...request, signal });
}

/** The world's store, with another way to get bundles. */
function withBundles(getBundle: (options: GetOptions) => ReturnType<ObjectStore["get"]>): ObjectStore {
  const { store } = world;
  return new Proxy(store, {
    get(target, name) {
      if (name === "get") {
        return (key: string, options: GetOptions) =>
          key.startsWith("v=") ? getBundle(options) : store.get(key, options);
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** A bundle that never comes: only giving up ends it. */
function untilAborted({ signal }: GetOptions): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

test("a manifest that is refused ends the fetch of its bundle, and does not wait for it", async () => {
  let given: AbortSignal | undefined;
  const store = withBundles((options) => {
    given = options.signal;
    return untilAborted(options);
  });
  expect(await rejection(opening(store, "wrong"))).toBeInstanceOf(WrongPassphraseError);
  expect(given?.aborted).toBe(true);
});

test("the manifest's fault comes before the bundle's, whatever is known first", async () => {
  for (const failed of [new AccessDeniedError("injected"), new S3UnreachableError("injected")]) {
    const store = withBundles(() => Promise.reject(failed));
    expect(await rejection(opening(store, "wrong"))).toBeInstanceOf(WrongPassphraseError);
    expect(await rejection(opening(store, OLD))).toBe(failed);
  }
});

test("a caller that gives up ends it, with its own reason", async () => {
  const reason = new Error("the deadline");
  const abort = new AbortController();
  const store = withBundles((options) => {
    queueMicrotask(() => abort.abort(reason));
    return untilAborted(options);
  });
  expect(await rejection(opening(store, OLD, abort.signal))).toBe(reason);
  expect(await rejection(opening(world.store, OLD, abort.signal))).toBe(reason);
});

test("a caller that does not give up is not disturbed", async () => {
  const { bundle } = await opening(world.store, OLD, new AbortController().signal);
  expect(secretsOf(bundle.items)).toEqual({ A: "1" });
});
