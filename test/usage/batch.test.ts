import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { decodeCheckedBase64, encodeBase64 } from "../../src/crypto/base64.ts";
import { tokenIdOf } from "../../src/tokens/credential.ts";
import {
  type BatchPlace,
  type BatchWriter,
  MAX_BATCH_BYTES,
  MAX_BATCH_EVENTS,
  openBatch,
  parseBatchKey,
  sealBatch,
  verifyBatch,
} from "../../src/usage/batch.ts";
import type { UsageEvent } from "../../src/usage/event.ts";
import { event, USAGE_KEY, USAGE_PUBLIC, writerOf } from "./fixture.ts";

const DAY = "2026-11-29";
const START_MS = Date.parse(DAY);
const DAY_MS = 86_400_000;
const NAME = { day: DAY, ulid: "01KB7Y4M8G0000000000000000" };
const FIRST: BatchPlace = { instance: "0123456789abcdef", seq: 1, prev: null };
const refuse = (fault: string) => new Error(fault);

const seal = (events: readonly UsageEvent[], place = FIRST, writer: BatchWriter = writerOf(1)) =>
  sealBatch(writer, decodeCheckedBase64(USAGE_PUBLIC), NAME, place, events);
const verify = ({ key, bytes }: ReturnType<typeof seal>, vault = writerOf(1).vault) =>
  verifyBatch(vault, key, bytes, refuse);
const HEADER = "does not have the header of a batch";

test.each([
  ["its first millisecond", START_MS, true],
  ["its last", START_MS + DAY_MS - 1, true],
  ["the one before", START_MS - 1, false],
  ["the one after", START_MS + DAY_MS, false],
])("a batch of a day may have an event of %s: %j", async (_, at, may) => {
  const opened = openBatch(writerOf(1).vault, verify(seal([event("a", { at })])), USAGE_KEY, refuse);
  await (may ? expect(opened).resolves.toHaveLength(1) : expect(opened).rejects.toThrow("an event of another day"));
});

describe("a batch is refused", () => {
  const events = (count: number) => Array.from({ length: count }, (_, at) => event(`${at}`));

  test("without events, and with more than 5000", () => {
    for (const count of [0, MAX_BATCH_EVENTS + 1]) expect(() => verify(seal(events(count)))).toThrow(HEADER);
    expect(verify(seal(events(MAX_BATCH_EVENTS))).header.count).toBe(MAX_BATCH_EVENTS);
  });

  test("above 16 MiB", () => {
    const filled = (last: number) =>
      seal(
        [...events(2074), event("last")].map((it, at) => ({
          ...it,
          context: { x: "x".repeat(at < 2074 ? 8000 : last) },
        })),
      );
    const room = MAX_BATCH_BYTES - filled(0).bytes.length;
    expect(filled(room).bytes).toHaveLength(MAX_BATCH_BYTES);
    expect(verify(filled(room)).header.count).toBe(2075);
    expect(() => verify(filled(room + 1))).toThrow("is not a batch");
  });

  test.each<[string, Partial<BatchPlace>]>([
    ["an instance that is not 16 digits", { instance: "0123456789abcdef0" }],
    ["a previous batch that is not a digest", { seq: 2, prev: "none" }],
  ])("with %s", (_, place) => {
    expect(() => verify(seal([event("a")], { ...FIRST, ...place }))).toThrow(HEADER);
  });

  test.each(["recipient", "signing"] as const)("with a key %s that is longer than a key", (name) => {
    const key = new Uint8Array(32).fill(1);
    const keys = { recipient: x25519.getPublicKey(key), signing: ed25519.getPublicKey(key) };
    const longer = { ...keys, [name]: Uint8Array.of(...keys[name], 0) };
    const writer: BatchWriter = {
      ...writerOf(1),
      id: tokenIdOf(longer.recipient, longer.signing),
      recipient: encodeBase64(longer.recipient),
      signing: encodeBase64(longer.signing),
    };
    expect(() => verify(seal([event("a")], FIRST, writer))).toThrow("has keys that do not match its token's id");
  });

  test("with a signature that is not base64", () => {
    const sealed = seal([event("a")]);
    const bytes = sealed.bytes.slice();
    bytes[bytes.indexOf(0x0a) + 1] = 0x21;
    expect(() => verify({ ...sealed, bytes })).toThrow("is not signed by its token");
  });
});

test.each([
  ["nobody", DAY, NAME.ulid],
  [writerOf(1).id, "2026-13-01", NAME.ulid],
  [writerOf(1).id, DAY, "01KB7Y4M8G"],
])("usage/%s/%s/%s is not the key of a batch", (...parts) => {
  expect(parseBatchKey(["usage", ...parts].join("/"))).toBeNull();
});
