import { expect, test } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { readNeighbours } from "../../src/vault/commit/neighbours.ts";
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

test("both rows are requested in parallel; what is pending is aborted at the end", () => {
  const { store, asked } = silentStore();
  const neighbours = readNeighbours(store, 7);
  expect(asked.map(({ question }) => question)).toEqual([
    `head ${auditKey(7)}`,
    `get ${auditKey(6)} ${MAX_MANIFEST_BYTES}`,
  ]);
  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([false, false]);
  neighbours[Symbol.dispose]();
  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
});

test("the first generation has no row below it: none is requested", async () => {
  const { store, asked } = silentStore();
  using neighbours = readNeighbours(store, 1);
  expect(await neighbours.before).toBeNull();
  expect(asked.map(({ question }) => question)).toEqual([`head ${auditKey(1)}`]);
});

test("an error surfaces where its row is awaited; unawaited, it is no unhandled rejection", async () => {
  const store = new MemoryStore({
    faults: {
      before({ operation }) {
        throw new S3UnreachableError(operation);
      },
    },
  });
  using neighbours = readNeighbours(store, 7);
  expect(await rejection(neighbours.own)).toMatchObject({ message: "head" });
});
