import { encodeBase64 } from "../../crypto/base64.ts";
import { BOX_OVERHEAD_BYTES, NONCE_BYTES, sealBox, sealBoxInto } from "../../crypto/box.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { deriveIndexKey, deriveRootKey, deriveSigningBoxKey, itemKeysOf, withKey } from "../../crypto/subkeys.ts";
import type { Random } from "../../ports.ts";
import { aadOf, BUNDLE_FORMAT } from "../format/bundle-header.ts";
import type { Item, NamedData } from "../format/item.ts";
import { encodeIndex } from "../format/listing.ts";
import type { UnlockEntry } from "../format/unlock-entry.ts";
import { sealEntry } from "../unlock/entries.ts";
import type { BundlePlace, FreshKeys } from "../unlock/key-holder.ts";
import { NO_CONTENTS, type SealedTokens, sealTokens, type TokenContents } from "./seal-tokens.ts";

const OPERATOR_KEY_BYTES = 32;
const ITEM_ID_BYTES = 8;

/** What a bundle holds, and for whom. */
export interface BundleContents extends BundlePlace {
  readonly entries: readonly UnlockEntry[];
  readonly signingKey: SigningKey;
  readonly items: readonly NamedData[];
  /** Absent if the vault never had a token. */
  readonly tokens?: TokenContents;
}

/**
 * Returns a bundle's bytes (`docs/format.md` §4). Keys and ids are drawn afresh each time, so nobody can follow one
 * secret from bundle to bundle.
 */
export async function sealBundle(random: Random, contents: BundleContents): Promise<Uint8Array> {
  const operatorKey = random.bytes(OPERATOR_KEY_BYTES);
  const rootKey = deriveRootKey(operatorKey);
  try {
    const keys = { operatorKey, rootKey };
    const slots = await Promise.all(contents.entries.map((entry) => sealEntry(entry, contents, keys)));
    const items = identified(random, contents.items);
    const tokens = await sealTokens(random, contents, contents.tokens ?? NO_CONTENTS, keys, items);
    return assemble(random, { ...contents, items }, { ...tokens, slots: [...slots, ...tokens.slots] }, keys);
  } finally {
    operatorKey.fill(0);
    rootKey.fill(0);
  }
}

function identified(random: Random, items: readonly NamedData[]): readonly Item[] {
  const idOf = drawEach(random, items.length, ITEM_ID_BYTES);
  return items.map(({ name, kind, mode, data }, at) => {
    const id = Buffer.from(idOf(at)).toString("hex");
    return { id, name, kind, ...(kind === "file" && mode !== undefined ? { mode } : {}), data };
  });
}

/** `count` random values, drawn at once: one by one, those of 10 000 items took a tenth of sealing them. */
function drawEach(random: Random, count: number, length: number): (at: number) => Uint8Array {
  const drawn = random.bytes(count * length);
  return (at) => drawn.subarray(at * length, (at + 1) * length);
}

interface IdentifiedContents extends BundleContents {
  readonly items: readonly Item[];
}

function assemble(
  random: Random,
  contents: IdentifiedContents,
  { slots, views, boxes }: SealedTokens,
  { operatorKey, rootKey }: FreshKeys,
): Uint8Array {
  const header = {
    format: BUNDLE_FORMAT,
    vault: contents.vault,
    gen: contents.gen,
    slots,
    signing: sealSigningKey(random, contents, operatorKey),
    index: encodeBase64(
      withKey(deriveIndexKey(rootKey), (key) =>
        sealBox(random, key, aadOf(contents, "index"), encodeIndex(contents.items)),
      ),
    ),
    ...(views === undefined ? {} : { views }),
    ...(boxes === undefined ? {} : { boxes }),
    items: contents.items.map((item) => ({ id: item.id, size: boxBytes(item) })),
  };
  return withBoxes(Buffer.from(`${JSON.stringify(header)}\n`), random, contents, rootKey);
}

function boxBytes({ data }: Item): number {
  return BOX_OVERHEAD_BYTES + data.expose().length;
}

/** Seals each box in place: a vault may be 64 MiB, and memory already holds it twice, as items and as bundle. */
function withBoxes(header: Uint8Array, random: Random, contents: IdentifiedContents, rootKey: Uint8Array): Uint8Array {
  const bundle = new Uint8Array(contents.items.reduce((sum, item) => sum + boxBytes(item), header.length));
  bundle.set(header);
  const keyOf = itemKeysOf(rootKey);
  const nonceOf = drawEach(random, contents.items.length, NONCE_BYTES);
  let start = header.length;
  for (const [at, item] of contents.items.entries()) {
    const box = bundle.subarray(start, start + boxBytes(item));
    withKey(keyOf(item.id), (key) => sealBoxInto(box, nonceOf(at), key, aadOf(contents, item.id), item.data.expose()));
    start += box.length;
  }
  return bundle;
}

function sealSigningKey(random: Random, contents: BundleContents, operatorKey: Uint8Array): string {
  const pkcs8 = contents.signingKey.exportPkcs8();
  const box = withKey(deriveSigningBoxKey(operatorKey), (key) =>
    sealBox(random, key, aadOf(contents, "signing"), pkcs8),
  );
  pkcs8.fill(0);
  return encodeBase64(box);
}
