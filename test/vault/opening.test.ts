import { beforeEach, expect, test, vi } from "vitest";
import { AccessDeniedError, S3UnreachableError, WrongPassphraseError } from "../../src/errors.ts";
import type { GetOptions, ObjectStore } from "../../src/ports.ts";
import { clockAt, HOUR_MS, OLD, rejection, secretsOf, World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

function opening(store: ObjectStore, passphrase: string, signal?: AbortSignal) {
  return world.with({ store }).openAfresh(passphrase, {}, { signal });
}

/** The world's store, with another way to get bundles. */
function withBundles(getBundle: (options: GetOptions) => ReturnType<ObjectStore["get"]>): ObjectStore {
  return withGet((key, options) => (key.startsWith("v=") ? getBundle(options) : world.store.get(key, options)));
}

function withGet(getAny: ObjectStore["get"]): ObjectStore {
  return new Proxy(world.store, {
    get(target, name) {
      if (name === "get") return getAny;
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

/** What `then` does comes between the two GETs of the first opening. */
function overtaken(then: () => Promise<unknown>): World {
  const machine = world.peer();
  let done = false;
  machine.store.faults = {
    async before({ key }) {
      if (done || !key.startsWith("v=")) return;
      done = true;
      await then();
    },
  };
  return machine;
}

test("commits and a gc that come between the two GETs: the newest generation is opened instead", async () => {
  const machine = overtaken(async () => {
    const peer = world.with({ clock: clockAt(world.clock.ms + HOUR_MS) }).peer();
    await peer.push({ A: "2" });
    await peer.push({ A: "3" });
    await peer.gc();
  });
  const { manifest, bundle } = await machine.openAfresh();
  expect([manifest.gen, secretsOf(bundle.items)]).toEqual([4, { A: "3" }]);
  expect(machine.requests.map((request) => request.slice(0, 12))).toEqual([
    "get manifest",
    "get v=202601",
    "head manifes",
    "get manifest",
    "get v=202601",
  ]);
});

test("a bundle that is gone under a manifest that has not moved is corrupt, and asked for once", async () => {
  const machine = overtaken(async () => {
    for (const key of world.store.bucket.keys()) if (key.startsWith("v=")) world.store.bucket.delete(key);
  });
  const head = vi.spyOn(machine.store, "head");
  const { signal } = new AbortController();
  const error = await rejection(machine.openAfresh(OLD, {}, { signal }));
  expect(head.mock.calls).toEqual([["manifest", { signal }]]);
  expect(error).toMatchObject({ name: "BundleCorruptError", message: "the bundle v=20260101T000000000Z is not there" });
  expect(machine.requests).toEqual(["get manifest", "get v=20260101T000000000Z", "head manifest"]);
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

test("whose signal goes with every request for the vault", async () => {
  const abort = new AbortController();
  const given: [string, AbortSignal | undefined][] = [];
  const get: ObjectStore["get"] = (key, options) => {
    given.push([key, options.signal]);
    return world.store.get(key, options);
  };
  await opening(withGet(get), OLD, abort.signal);
  expect(given.map(([key]) => key)).toEqual(["manifest", "v=20260101T000000000Z"]);
  expect(given[0]?.[1]).toBe(abort.signal);
  expect(given[1]?.[1]?.aborted).toBe(false);
  abort.abort();
  expect(given[1]?.[1]?.aborted).toBe(true);
});

test("the items are opened where their boxes stood: a vault is held once", async () => {
  let bytes: Uint8Array | undefined;
  const store = withGet(async (key, options) => {
    const stored = await world.store.get(key, options);
    if (key.startsWith("v=")) bytes = stored?.bytes;
    return stored;
  });
  const { bundle } = await opening(store, OLD);
  expect(secretsOf(bundle.items)).toEqual({ A: "1" });
  for (const { data } of bundle.items) expect(data.expose().buffer).toBe(bytes?.buffer);
  bytes?.fill(0x32);
  expect(secretsOf(bundle.items)).toEqual({ A: "2" });
});

test("a caller that does not give up is not disturbed", async () => {
  const { bundle } = await opening(world.store, OLD, new AbortController().signal);
  expect(secretsOf(bundle.items)).toEqual({ A: "1" });
});
