import * as v from "valibot";
import { parseCanonicalJson, type Refuse } from "../../canonical-json.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { type Note, parseNote, signNote } from "../../crypto/note.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { NotAuthenticError } from "../../errors.ts";
import { MAX_BUNDLE_BYTES, MAX_GEN, MAX_UNLOCK_ENTRIES } from "./limits.ts";
import { BUNDLE_PREFIX, parseTs } from "./object-keys.ts";
import {
  base64,
  checkFormat,
  count,
  exactly,
  instant,
  openObject,
  parseShape,
  sha256,
  text,
  vaultId,
} from "./shape.ts";
import { certsShape } from "./tokens/anchors.ts";
import { parseUnlock, type UnlockEntry, unlockJson } from "./unlock-entry.ts";

export const MANIFEST_FORMAT = "vsync-manifest-v1";

export const actorShape = exactly({ user: text, host: text, tool: text });
export type Actor = v.InferOutput<typeof actorShape>;

export const bundleRefShape = exactly({
  key: v.pipe(
    text,
    v.check((key) => key.startsWith(BUNDLE_PREFIX) && parseTs(key.slice(BUNDLE_PREFIX.length)) !== null),
  ),
  size: v.pipe(count, v.maxValue(MAX_BUNDLE_BYTES)),
  sha256,
});

const manifestShape = exactly({
  format: v.literal(MANIFEST_FORMAT),
  vault: vaultId,
  repo: text,
  env: text,
  gen: v.pipe(count, v.maxValue(MAX_GEN)),
  prev_gen: count,
  at: instant,
  rotated_at: instant,
  action: text,
  actor: actorShape,
  meta: openObject,
  note: v.exactOptional(text),
  bundle: bundleRefShape,
  unlock: v.pipe(v.array(openObject), v.maxLength(MAX_UNLOCK_ENTRIES)),
  signer: base64(32),
  prev_signer: v.exactOptional(base64(32)),
  certs: v.exactOptional(certsShape),
  audit: v.exactOptional(exactly({ gen: count, sha256 })),
  prev: v.exactOptional(sha256),
});
/** The manifest under the names of its JSON (`docs/format.md` §5). */
export type Manifest = Omit<v.InferOutput<typeof manifestShape>, "unlock"> & {
  readonly unlock: readonly UnlockEntry[];
};

export interface ParsedManifest {
  readonly manifest: Manifest;
  /** Its signature is not verified yet: that takes an endorsed signer. */
  readonly note: Note;
  /** SHA-256 of the whole object, in hex. */
  readonly sha256: string;
}

const refuse: Refuse = (fault) => new NotAuthenticError(`the manifest ${fault}`);

/**
 * Checks form and bounds of a manifest, everything that needs no key.
 *
 * @throws NotAuthenticError form or bounds are wrong
 * @throws UnsupportedSpecVersionError an unknown `format` or `kdf.name`
 */
export function parseManifest(bytes: Uint8Array): ParsedManifest {
  const note = parseNote(bytes, "the manifest");
  const value = parseCanonicalJson(note.text.slice(0, -1), refuse);
  checkFormat(value, MANIFEST_FORMAT, "the manifest", refuse);
  const fields = parseShape(manifestShape, value, refuse);
  checkLinks(fields);
  const manifest = { ...fields, unlock: parseUnlock(fields.unlock, refuse) };
  return { manifest, note, sha256: sha256Hex(bytes) };
}

/** The manifest's bytes, signed. Fields come out in the order of the format's table. */
export function encodeManifest(manifest: Manifest, key: SigningKey): Uint8Array {
  const json = { ...manifest, unlock: manifest.unlock.map(unlockJson) };
  const fields = Object.keys(manifestShape.entries) as (keyof Manifest)[];
  const ordered = Object.fromEntries(fields.map((name) => [name, json[name]]));
  return signNote(`${JSON.stringify(ordered)}\n`, noteName(manifest.vault), key);
}

/** The name under which a vault's notes are signed. */
export function noteName(vault: string): string {
  return `vsync/${vault}`;
}

function checkLinks(manifest: v.InferOutput<typeof manifestShape>): void {
  if (manifest.gen !== manifest.prev_gen + 1) throw refuse("has a gen that does not follow its prev_gen");
  const first = manifest.gen === 1;
  if (first !== (manifest.audit === undefined) || first !== (manifest.prev === undefined)) {
    throw refuse("has a wrong link to the generation before it");
  }
  if (manifest.audit !== undefined && manifest.audit.gen !== manifest.prev_gen) {
    throw refuse("links to the audit row of another generation");
  }
}
