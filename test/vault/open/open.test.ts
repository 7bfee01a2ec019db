import { beforeEach, describe, expect, test, vi } from "vitest";
import { AccessDeniedError, S3UnreachableError, WrongPassphraseError } from "../../../src/errors.ts";
import type { GetOptions, ObjectStore } from "../../../src/ports.ts";
import { clockAt, HOUR_MS, OLD, rejection, secretsOf, World } from "../../support/world.ts";

const BUNDLE = "v=20260101T000000000Z";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

/** A machine with its own way of reading bundles from the store. */
const withBundles = (getBundle: (options: GetOptions) => ReturnType<ObjectStore["get"]>) =>
  world.with({
    store: world.storeWith({
      get: (key, options) => (key.startsWith("v=") ? getBundle(options) : world.store.get(key, options)),
    }),
  });

/** A bundle whose read ends only when somebody aborts it. */
function untilAborted({ signal }: GetOptions): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

describe("the bundle is fetched while the key is derived", () => {
  test("with two GETs in all, the second one before the passphrase is proven", async () => {
    for (const act of [() => world.openAfresh(), () => rejection(world.openAfresh("wrong"))]) {
      world.store.requests.length = 0;
      await act();
      expect(world.requests).toEqual(["get manifest", `get ${BUNDLE}`]);
    }
  });

  test("and its request is aborted at once if the manifest is refused", async () => {
    let given: AbortSignal | undefined;
    const machine = withBundles((options) => {
      given = options.signal;
      return untilAborted(options);
    });
    expect(await rejection(machine.openAfresh("wrong"))).toBeInstanceOf(WrongPassphraseError);
    expect(given?.aborted).toBe(true);
  });

  test("and its fault is reported after the manifest's own, even if known first", async () => {
    for (const failed of [new AccessDeniedError("injected"), new S3UnreachableError("injected")]) {
      const machine = withBundles(() => Promise.reject(failed));
      expect(await rejection(machine.openAfresh("wrong"))).toBeInstanceOf(WrongPassphraseError);
      expect(await rejection(machine.openAfresh())).toBe(failed);
    }
  });
});

describe("between the two GETs", () => {
  /** `then` happens once, before the bundle is read. */
  function overtaken(then: () => Promise<unknown>): World {
    let done = false;
    return world.peer().failing({
      async before({ key }) {
        if (done || !key.startsWith("v=")) return;
        done = true;
        await then();
      },
    });
  }

  test("commits and a gc may come: then the newest generation opens", async () => {
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

  test("a bundle may vanish: if the manifest has not moved, the vault is corrupt", async () => {
    const machine = overtaken(async () => world.tamper(BUNDLE, null));
    const head = vi.spyOn(machine.store, "head");
    const { signal } = new AbortController();
    expect(await rejection(machine.openAfresh(OLD, {}, { signal }))).toMatchObject({
      message: `the bundle ${BUNDLE} is missing`,
    });
    expect(head.mock.calls).toEqual([["manifest", { signal }]]);
    expect(machine.requests).toEqual(["get manifest", `get ${BUNDLE}`, "head manifest"]);
  });
});

describe("a caller's signal", () => {
  test("ends the opening with the caller's reason", async () => {
    const reason = new Error("the deadline");
    const abort = new AbortController();
    const machine = withBundles((options) => {
      queueMicrotask(() => abort.abort(reason));
      return untilAborted(options);
    });
    expect(await rejection(machine.openAfresh(OLD, {}, abort))).toBe(reason);
    expect(await rejection(world.openAfresh(OLD, {}, abort))).toBe(reason);
  });

  test("goes with both requests", async () => {
    const abort = new AbortController();
    const get = vi.spyOn(world.store, "get");
    await world.openAfresh(OLD, {}, abort);
    const [manifest, bundle] = get.mock.calls.slice(-2).map(([, { signal }]) => signal);
    expect([manifest, bundle?.aborted]).toEqual([abort.signal, false]);
    abort.abort();
    expect(bundle?.aborted).toBe(true);
  });
});
