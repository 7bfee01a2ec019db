import { describe, expect, test, vi } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { MemoryStore } from "../../test/support/memory-store.ts";
import { alteredStore } from "../faults/campaign/altered-store.ts";
import { Soak } from "./soak.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("../faults/derive-once.ts");
  return derivingOnce(await importActual());
});

const MINUTE_MS = 60_000;

/** `npm run soak` runs an hour with a new seed each time. */
test.each([20260101, 7])("four minutes of seed %i", async (seed) => {
  const soak = await Soak.begin(seed);
  const { steps, generations, faults } = await soak.run(4 * MINUTE_MS);
  expect(steps).toBeGreaterThan(80);
  expect(generations).toBeGreaterThan(40);
  expect(faults).toBeGreaterThan(15);
});

test("the seed decides everything", async () => {
  const reports = await Promise.all([1, 2].map(async () => (await Soak.begin(11)).run(MINUTE_MS)));
  expect(reports[0]).toEqual(reports[1]);
});

describe("the soak reports the seed when a store breaks the model:", () => {
  async function failureOver(spoil: (store: MemoryStore) => ObjectStore): Promise<Error> {
    const soak = await Soak.begin(5, spoil);
    return soak.run(10 * MINUTE_MS).then(
      () => expect.unreachable("nobody noticed"),
      (error: Error) => error,
    );
  }

  test("one that swaps unconditionally and loses an update", async () => {
    const error = await failureOver((store) =>
      alteredStore(store, {
        replace: async (key, bytes) => store.replace(key, bytes, (await store.head(key)) ?? ""),
      }),
    );
    expect(error.message).toMatch(/^seed 5, step \d+:\n\{"id":"c\d+"/);
  });

  test("one that forgets objects", async () => {
    let swaps = 0;
    const forgetting = (store: MemoryStore) =>
      alteredStore(store, {
        replace: async (key, bytes, version) => (++swaps % 10 === 0 ? "1" : store.replace(key, bytes, version)),
      });
    expect((await failureOver(forgetting)).message).toMatch(/^seed 5, step/);
  });

  test("one that invents conflicts", async () => {
    let swaps = 0;
    const quarrelling = (store: MemoryStore) =>
      alteredStore(store, {
        async replace(key, bytes, version) {
          if (++swaps % 10 === 0) throw new ConflictError("injected");
          return store.replace(key, bytes, version);
        },
      });
    expect((await failureOver(quarrelling)).message).toMatch(/^seed 5, step/);
  });

  test("one that removes too much", async () => {
    const greedy = (store: MemoryStore) =>
      alteredStore(store, {
        async delete(key) {
          await store.delete(key);
          const oldest = [...store.bucket.keys()].filter((it) => it.startsWith("v=")).toSorted();
          for (const bundle of oldest.slice(0, -1)) store.bucket.delete(bundle);
        },
      });
    expect((await failureOver(greedy)).cause).toMatchObject({
      message: expect.stringMatching(/^the bundle of generation/),
    });
  });
});
