import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { tokenIdOf } from "../../src/tokens/credential.ts";
import { type BatchWriter, openBatch, verifyBatch } from "../../src/usage/batch.ts";
import type { UsageEvent } from "../../src/usage/event.ts";
import type { MemoryStore } from "../support/memory-store.ts";

const VAULT = "AAAAAAAAAAAAAAAAAAAAAA";
export const AT_MS = Date.parse("2026-11-29T09:00:00.000Z");
export const USAGE_KEY = new Uint8Array(32).fill(77);
export const USAGE_PUBLIC = encodeBase64(x25519.getPublicKey(USAGE_KEY));

/** A token that writes batches. */
export function writerOf(byte: number): BatchWriter {
  const key = new Uint8Array(32).fill(byte);
  const [recipient, signing] = [x25519.getPublicKey(key), ed25519.getPublicKey(key)];
  const names = { recipient: encodeBase64(recipient), signing: encodeBase64(signing) };
  return { vault: VAULT, id: tokenIdOf(recipient, signing), ...names, sign: (message) => ed25519.sign(message, key) };
}

export function event(id: string, more: Partial<UsageEvent> = {}): UsageEvent {
  return { id, lane: "meter", usage: { jobs: 1 }, at: AT_MS, ...more };
}

const refuse = (fault: string) => new Error(fault);

/** The batches in a store, in the order of their chain. */
export async function batchesIn({ bucket }: MemoryStore) {
  const batches = [...bucket].map(async ([key, { bytes }]) => {
    const batch = verifyBatch(VAULT, key, bytes, refuse);
    const events = await openBatch(VAULT, batch, USAGE_KEY, refuse);
    return { ...batch, ids: events.map((it) => it.event.id) };
  });
  return (await Promise.all(batches)).toSorted((a, b) => a.header.seq - b.header.seq);
}
