import { expect, test } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { type Neighbours, withNeighbours } from "../../src/vault/commit/neighbours.ts";
import { MAX_MANIFEST_BYTES } from "../../src/vault/format/limits.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { rejection } from "../support/world.ts";

/** A store that answers no question, and what it was asked. */
function silentStore(): { store: ObjectStore; asked: { question: string; signal: AbortSignal | undefined }[] } {
  const asked: { question: string; signal: AbortSignal | undefined }[] = [];
  const store = new MemoryStore();
  const never = new Promise<never>(() => {});
  store.head = (key, options) => {
    asked.push({ question: `head ${key}`, signal: options?.signal });
    return never;
  };
  store.get = (key, { signal, maxBytes }) => {
    asked.push({ question: `get ${key} ${maxBytes}`, signal });
    return never;
  };
  return { store, asked };
}

test("both rows are asked for at once, and given up when whoever asked has ended, done or not", async () => {
  const failed = new TypeError("refused for another reason");
  for (const [end, outcome] of [
    [async () => "done", "done"],
    [() => Promise.reject(failed), failed],
  ] as const) {
    const { store, asked } = silentStore();
    const ended = withNeighbours<unknown>(store, 7, async () => {
      expect(asked.map(({ question }) => question)).toEqual([
        `head ${auditKey(7)}`,
        `get ${auditKey(6)} ${MAX_MANIFEST_BYTES}`,
      ]);
      expect(asked.map(({ signal }) => signal?.aborted)).toEqual([false, false]);
      return end();
    });
    expect(await ended.catch((error: unknown) => error)).toBe(outcome);
    expect(asked.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
  }
});

test("the first generation has no row before it: none is asked for", async () => {
  const { store, asked } = silentStore();
  expect(await withNeighbours(store, 1, ({ before }) => before)).toBeNull();
  expect(asked.map(({ question }) => question)).toEqual([`head ${auditKey(1)}`]);
});

test("what an answer fails with comes when it is its turn; where nobody asks, it is no unhandled rejection", async () => {
  const store = new MemoryStore({
    faults: {
      before({ operation }) {
        throw new S3UnreachableError(operation);
      },
    },
  });
  for (const asked of ["own", "before"] as const) {
    const turn = withNeighbours(store, 7, (neighbours: Neighbours) => neighbours[asked] as Promise<unknown>);
    expect(await rejection(turn)).toMatchObject({ message: asked === "own" ? "head" : "get" });
  }
  expect(await withNeighbours(store, 7, async () => "not asked")).toBe("not asked");
});
