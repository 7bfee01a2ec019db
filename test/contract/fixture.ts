import { expect } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import type { ObjectStore, Version } from "../../src/ports.ts";

/** One store over an empty prefix, new for every test of the suite. */
export interface StoreFixture {
  readonly store: ObjectStore;
  /** An independent client of the same prefix, like that of another process. */
  readonly another: () => Promise<ObjectStore>;
  /** A store over another prefix of the same bucket, ideally one with a common beginning: `a/b/` and `a/bc/`. */
  readonly sibling: () => Promise<ObjectStore>;
  readonly close: () => Promise<void>;
}

export type Fixture = () => StoreFixture;

export const MANIFEST = "manifest";
export const BUNDLE = "v=20260101T000000000Z";
export const ROW = "audit/000000000001";
export const MAX_BYTES = 4 * 1024 * 1024;

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export async function contentOf(store: ObjectStore, key: string): Promise<string> {
  const stored = await store.get(key, { maxBytes: MAX_BYTES });
  return new TextDecoder().decode(stored?.bytes);
}

export async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const key of keys) collected.push(key);
  return collected;
}

export async function keysOf(store: ObjectStore, keyPrefix = "", startAfter?: string): Promise<string[]> {
  return collect(store.list(keyPrefix, startAfter === undefined ? {} : { startAfter }));
}

export async function expectConflict(write: Promise<Version>): Promise<void> {
  await expect(write).rejects.toBeInstanceOf(ConflictError);
}
