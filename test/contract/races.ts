import { expect, test } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import type { ObjectStore, Version } from "../../src/ports.ts";
import { BUNDLE, contentOf, type Fixture, MANIFEST, MAX_BYTES, text } from "./fixture.ts";

const CONTENDERS = 20;
/** In each round of increments, all processes but one fail. */
const COUNTERS = 8;

export function describeRaces(fixture: Fixture): void {
  test(`${CONTENDERS} creators: one wins, and the object has its bytes`, async () => {
    const { store, another } = fixture();
    const stores = await Promise.all(Array.from({ length: CONTENDERS }, another));
    const ends = await Promise.allSettled(stores.map((each, i) => each.create(BUNDLE, text(`writer ${i}`))));
    const winner = onlyWinner(ends);
    expect(await contentOf(store, BUNDLE)).toBe(`writer ${winner.index}`);
    expect(await store.head(BUNDLE)).toBe(winner.version);
  });

  test(`${CONTENDERS} replacers at one version: one wins, and the object has its bytes`, async () => {
    const { store, another } = fixture();
    const version = await store.create(MANIFEST, text("before"));
    const stores = await Promise.all(Array.from({ length: CONTENDERS }, another));
    const ends = await Promise.allSettled(
      stores.map((each, i) => each.replace(MANIFEST, text(`writer ${i}`), version)),
    );
    const winner = onlyWinner(ends);
    expect(await contentOf(store, MANIFEST)).toBe(`writer ${winner.index}`);
    expect(await store.head(MANIFEST)).toBe(winner.version);
  });

  test(`${COUNTERS} workers add 1 five times each: no increment is lost`, async () => {
    const { store, another } = fixture();
    await store.create(MANIFEST, text("0"));
    await Promise.all(
      Array.from({ length: COUNTERS }, async () => {
        const mine = await another();
        for (let i = 0; i < 5; i++) await increment(mine);
      }),
    );
    expect(await contentOf(store, MANIFEST)).toBe(String(COUNTERS * 5));
  });
}

async function increment(store: ObjectStore): Promise<void> {
  for (;;) {
    const { bytes, version } = (await store.get(MANIFEST, { maxBytes: MAX_BYTES })) ?? expect.unreachable("no counter");
    const next = text(String(Number(new TextDecoder().decode(bytes)) + 1));
    try {
      await store.replace(MANIFEST, next, version);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

function onlyWinner(ends: readonly PromiseSettledResult<Version>[]): { index: number; version: Version } {
  const winners = ends.flatMap((end, index) => (end.status === "fulfilled" ? [{ index, version: end.value }] : []));
  for (const end of ends) if (end.status === "rejected") expect(end.reason).toBeInstanceOf(ConflictError);
  expect(winners).toHaveLength(1);
  return winners[0] ?? expect.unreachable("no winner");
}
