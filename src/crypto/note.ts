import { createHash } from "node:crypto";
import { NotAuthenticError } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { type SigningKey, signEd25519, verifyEd25519, verifyEd25519Aside } from "./signing.ts";

/**
 * A C2SP signed note: text, an empty line, and in this format exactly one line `— <name> <base64(keyid[4] ‖ sig[64])>`.
 */
export interface Note {
  /** The signed text, with its final newline. */
  readonly text: string;
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** The algorithm byte of Ed25519 in a C2SP key id. */
const ED25519 = 0x01;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Checks only the form. `verifyNote` checks the signature.
 *
 * @throws NotAuthenticError `what` is not a signed note with exactly one signature line
 */
export function parseNote(bytes: Uint8Array, what: string): Note {
  const split = splitNote(decodeUtf8(bytes, what));
  if (split === null) throw new NotAuthenticError(`${what} is not a signed note`);
  const signed = decodeBase64(split.signed);
  if (signed === null || signed.length !== KEY_ID_BYTES + SIGNATURE_BYTES) {
    throw new NotAuthenticError(`${what} has a malformed signature`);
  }
  const { text, name } = split;
  return { text, name, keyId: signed.subarray(0, KEY_ID_BYTES), signature: signed.subarray(KEY_ID_BYTES) };
}

function splitNote(whole: string): { text: string; name: string; signed: string } | null {
  const end = whole.lastIndexOf("\n\n");
  if (end <= 0) return null;
  const line = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)\n$/.exec(whole.slice(end + 2));
  if (line?.[1] === undefined || line[2] === undefined) return null;
  return { text: whole.slice(0, end + 1), name: line[1], signed: line[2] };
}

/** @throws NotAuthenticError the note was not signed under `name` by the holder of `publicKey` (32 bytes) */
export function verifyNote(note: Note, name: string, publicKey: Uint8Array, what: string): void {
  const isGenuine = names(note, name, publicKey) && verifyEd25519(publicKey, encoder.encode(note.text), note.signature);
  if (!isGenuine) throw notGenuine(what);
}

/** Like `verifyNote`, but on another thread, for callers with many notes to verify. */
export async function verifyNoteAside(note: Note, name: string, publicKey: Uint8Array, what: string): Promise<void> {
  const isGenuine =
    names(note, name, publicKey) && (await verifyEd25519Aside(publicKey, encoder.encode(note.text), note.signature));
  if (!isGenuine) throw notGenuine(what);
}

function names(note: Note, name: string, publicKey: Uint8Array): boolean {
  return note.name === name && Buffer.compare(note.keyId, keyIdOf(name, publicKey)) === 0;
}

function notGenuine(what: string): NotAuthenticError {
  return new NotAuthenticError(`${what} is not signed by the vault's signer`);
}

/** `text` ends in a newline. Ed25519 is deterministic: the same text and key give the same bytes. */
export function signNote(text: string, name: string, key: SigningKey): Uint8Array {
  const signature = signEd25519(key, encoder.encode(text));
  const signed = encodeBase64(Buffer.concat([keyIdOf(name, key.publicKey), signature]));
  return encoder.encode(`${text}\n\u2014 ${name} ${signed}\n`);
}

/** SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[0..4]. */
export function keyIdOf(name: string, publicKey: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(name).update(Buffer.of(0x0a, ED25519)).update(publicKey);
  return hash.digest().subarray(0, KEY_ID_BYTES);
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new NotAuthenticError(`${what} is not UTF-8`);
  }
}
