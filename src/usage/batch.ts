import { decodeUtf8, isObject, type JsonValue, parseCanonicalJson, type Refuse } from "../canonical-json.ts";
import { decodeBase64, encodeBase64 } from "../crypto/base64.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { signEd25519, signingKeyOfSeed, verifyEd25519 } from "../crypto/signing.ts";
import { DAY_MS } from "../durations.ts";
import { type Credential, deriveCredentialKeys, tokenIdOf } from "../tokens/credential.ts";
import { isTokenId } from "../tokens/credential-form.ts";
import { encodeEvent, parseEvent, type UsageEvent } from "./event.ts";
import { USAGE_PREFIX } from "./prefix.ts";
import { encodeSigned, openContent, sealContent, splitSigned } from "./signed-object.ts";
import type { UsageSigner } from "./statement.ts";
import { isUlid } from "./ulid.ts";

/*
 * A batch of usage events (docs/format.md, Usage batches).
 */

export const MAX_BATCH_EVENTS = 5000;
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;
const encoder = new TextEncoder();

/** The first line, with its fields in the order of writing. */
export interface BatchHeader {
  readonly v: 1;
  readonly token: string;
  /** Base64 of the token's public keys, which its id proves. */
  readonly recipient: string;
  readonly signing: string;
  /** Identifies the process that wrote it: 16 random lower-case hex digits. */
  readonly instance: string;
  /** 1, 2, 3, … within the instance. */
  readonly seq: number;
  /** SHA-256 of the previous header, in lower-case hex; absent in the first. */
  readonly prev?: string;
  readonly count: number;
  /** SHA-256 of everything after the signature. */
  readonly sha256: string;
}

/** The parts of a batch's key. */
export interface BatchName {
  readonly token: string;
  /** The day of its events, `YYYY-MM-DD`. */
  readonly day: string;
  readonly ulid: string;
}

export function batchKey({ token, day, ulid }: BatchName): string {
  return `${USAGE_PREFIX}${token}/${day}/${ulid}`;
}

/** Null for a key that is not a batch's. */
export function parseBatchKey(key: string): BatchName | null {
  const [, token = "", day = "", ulid = ""] = /^usage\/([^/]+)\/(\d{4}-\d{2}-\d{2})\/([^/]+)$/.exec(key) ?? [];
  return isTokenId(token) && isUlid(ulid) && dayOf(Date.parse(day)) === day ? { token, day, ulid } : null;
}

/** The UTC day, `YYYY-MM-DD`; empty if it is not a valid time. */
export function dayOf(atMs: number): string {
  return Number.isNaN(atMs) ? "" : new Date(atMs).toISOString().slice(0, 10);
}

/** The writer of batches: a token, with its public keys in base64. */
export interface BatchWriter extends UsageSigner {
  readonly recipient: string;
  readonly signing: string;
}

/** Writes batches and signs statements in a token's name. The caller may destroy the credential afterwards. */
export async function batchWriterOf(vault: string, credential: Credential): Promise<BatchWriter> {
  using keys = await deriveCredentialKeys(credential);
  const signingKey = signingKeyOfSeed(keys.signingKey.expose());
  return {
    vault,
    id: keys.id,
    recipient: encodeBase64(keys.recipient),
    signing: encodeBase64(keys.signing),
    sign: (message) => signEd25519(signingKey, message),
  };
}

/** The position of a batch in its instance's chain. */
export type BatchPlace = Pick<BatchHeader, "instance" | "seq"> & { readonly prev: string | null };

export interface SealedBatch {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The `prev` of the next batch. */
  readonly digest: string;
}

/**
 * @param usageKey the vault's public usage key, 32 bytes
 * @param events events of one day, at most {@link MAX_BATCH_EVENTS}
 */
export function sealBatch(
  writer: BatchWriter,
  usageKey: Uint8Array,
  name: Omit<BatchName, "token">,
  { instance, seq, prev }: BatchPlace,
  events: readonly UsageEvent[],
): SealedBatch {
  const key = batchKey({ token: writer.id, ...name });
  const lines = encoder.encode(events.map(encodeEvent).join("\n"));
  const sealed = sealContent(usageKey, `${writer.vault}|${key}`, lines);
  const header: BatchHeader = {
    v: 1,
    token: writer.id,
    recipient: writer.recipient,
    signing: writer.signing,
    instance,
    seq,
    ...(prev === null ? {} : { prev }),
    count: events.length,
    sha256: sha256Hex(sealed),
  };
  const line = JSON.stringify(header);
  const signature = writer.sign(signedText(writer.vault, key, line));
  return { key, bytes: encodeSigned(line, signature, sealed), digest: sha256Hex(encoder.encode(line)) };
}

/** Covers the object key too, so a batch copied to another day does not count there. */
function signedText(vault: string, key: string, line: string): Uint8Array {
  return encoder.encode(`vsync-usage-batch-v1|${vault}|${key}|${line}`);
}

/** A batch with a valid signature, not decrypted yet. */
export interface VerifiedBatch {
  readonly name: BatchName;
  readonly header: BatchHeader;
  /** SHA-256 of the header's line. */
  readonly digest: string;
  readonly sealed: Uint8Array;
}

/**
 * Checks form and signature: the token in its key wrote it under that key.
 *
 * @throws what `refuse` makes
 */
export function verifyBatch(vault: string, key: string, bytes: Uint8Array, refuse: Refuse): VerifiedBatch {
  const name = parseBatchKey(key);
  if (name === null) throw refuse("does not have the name of a batch");
  const parts = bytes.length > MAX_BATCH_BYTES ? null : splitSigned(bytes, refuse);
  if (parts === null) throw refuse("is not a batch");
  const { line, signature, sealed } = parts;
  const header = parseHeader(parseCanonicalJson(line, refuse), refuse);
  if (header.token !== name.token) throw refuse("is another token's");
  const [recipient, signing] = [decodeBase64(header.recipient), decodeBase64(header.signing)];
  if (recipient?.length !== 32 || signing?.length !== 32 || tokenIdOf(recipient, signing) !== header.token) {
    throw refuse("has keys that do not match its token's id");
  }
  if (signature === null || !verifyEd25519(signing, signedText(vault, key, line), signature)) {
    throw refuse("is not signed by its token, or was written under another name");
  }
  if (sha256Hex(sealed) !== header.sha256) throw refuse("was altered");
  return { name, header, digest: sha256Hex(encoder.encode(line)), sealed };
}

function parseHeader(value: JsonValue, refuse: Refuse): BatchHeader {
  if (!isObject(value) || Object.keys(value).join() !== (value["seq"] === 1 ? FIRST_FIELDS : FIELDS)) {
    throw refuse("does not have the header of a batch");
  }
  const { v, seq, count } = value;
  const counts = typeof seq === "number" && seq >= 1 && typeof count === "number" && count >= 1;
  const texts = Object.entries(TEXTS).every(([name, form]) => isText(value[name], form) || !(name in value));
  if (v === 1 && counts && count <= MAX_BATCH_EVENTS && texts) return value as unknown as BatchHeader;
  throw refuse("does not have the header of a batch");
}

function isText(value: JsonValue | undefined, form: RegExp): boolean {
  return typeof value === "string" && form.test(value);
}

const TEXTS = { token: /^/, recipient: /^/, signing: /^/, instance: /^[0-9a-f]{16}$/, prev: DIGEST, sha256: DIGEST };
const FIELDS = "v,token,recipient,signing,instance,seq,prev,count,sha256";
const FIRST_FIELDS = FIELDS.replace("prev,", "");

/** An event and its line. */
export interface ReadEvent {
  readonly event: UsageEvent;
  readonly line: string;
}

/**
 * Decrypts the events of a batch.
 *
 * @param privateKey the vault's usage key, X25519
 * @throws what `refuse` makes: it does not open, or a line is malformed or of another day
 */
export async function openBatch(
  vault: string,
  { name, header, sealed }: VerifiedBatch,
  privateKey: Uint8Array,
  refuse: Refuse,
): Promise<readonly ReadEvent[]> {
  const content = await openContent(privateKey, `${vault}|${batchKey(name)}`, sealed, refuse);
  const lines = decodeUtf8(content, refuse).split("\n");
  if (lines.length !== header.count) throw refuse(`has ${lines.length} events, and says ${header.count}`);
  const startMs = Date.parse(name.day);
  const refuseEvent: Refuse = (fault) => refuse(`has an event that ${fault}`);
  return lines.map((line) => {
    const event = parseEvent(line, refuseEvent);
    if (event.at < startMs || event.at >= startMs + DAY_MS) throw refuse("has an event of another day");
    return { event, line };
  });
}
