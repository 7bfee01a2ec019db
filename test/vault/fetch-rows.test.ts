import { beforeAll, describe, expect, test, vi } from "vitest";
import { AuditBrokenError, S3UnreachableError } from "../../src/errors.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { rejection, World } from "../support/world.ts";

const GENERATIONS = 40;

let world: World;
let manifest: Manifest;
beforeAll(async () => {
  world = await World.pushed({ A: "1" });
  for (let gen = 2; gen <= GENERATIONS; gen++) await world.push({ A: String(gen) });
  ({ manifest } = await world.open());
});

function rowsAskedFor({ requests }: World): number {
  return requests.filter((request) => request.startsWith("get audit/")).length;
}

describe("verifying a long log", () => {
  test("asks for rows ahead, a bounded number, and gives them newest first", async () => {
    const fork = world.fork();
    let pending = 0;
    let most = 0;
    fork.store.faults = {
      before: async ({ operation }) => {
        if (operation !== "get") return;
        pending += 1;
        most = Math.max(most, pending);
        // the answers come in another order than they were asked for
        for (let turns = pending % 3; turns >= 0; turns--) await new Promise(setImmediate);
        pending -= 1;
      },
    };
    const { rows } = await fork.verify(manifest);
    expect(rows.map(({ gen }) => gen)).toEqual(Array.from({ length: GENERATIONS }, (_, at) => GENERATIONS - at));
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(16);
    expect(rowsAskedFor(fork)).toBe(GENERATIONS);
  });

  test("names the first fault on the way back, though an older row has failed before it", async () => {
    const fork = world.fork();
    fork.store.bucket.delete(auditKey(36));
    fork.store.faults = {
      before: async ({ key }) => {
        if (key === auditKey(30)) throw new S3UnreachableError("the network is gone");
        if (key === auditKey(36)) for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      },
    };
    const error = await rejection(fork.verify(manifest));
    expect(error).toBeInstanceOf(AuditBrokenError);
    expect(error).toMatchObject({ row: 36 });
    expect(rowsAskedFor(fork)).toBeLessThan(GENERATIONS);
  });

  test("whoever ends the walk, at a fault or at its end, ends the requests that are still under way", async () => {
    for (const broken of [true, false]) {
      const fork = world.fork();
      if (broken) fork.store.bucket.delete(auditKey(36));
      const get = vi.spyOn(fork.store, "get");
      await fork.verify(manifest).catch(() => {});
      const signals = get.mock.calls.map(([, { signal }]) => signal?.aborted);
      expect(signals).toEqual(signals.map(() => true));
      expect(signals.length).toBeGreaterThan(4);
    }
  });

  test("a store that fails is an error of the store, once it is that row's turn", async () => {
    const fork = world.fork();
    fork.store.faults = {
      before: ({ key }) => {
        if (key === auditKey(30)) throw new S3UnreachableError("the network is gone");
      },
    };
    expect(await rejection(fork.verify(manifest))).toBeInstanceOf(S3UnreachableError);
  });

  test("the caller's abort ends it with the caller's reason", async () => {
    const fork = world.fork();
    const caller = new AbortController();
    fork.store.faults = {
      before: ({ key }) => {
        if (key === auditKey(20)) caller.abort("no longer wanted");
      },
    };
    await expect(fork.verify(manifest, { signal: caller.signal })).rejects.toBe("no longer wanted");
  });
});
