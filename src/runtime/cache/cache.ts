import { createHmac, timingSafeEqual } from "node:crypto";
import { sha256Hex } from "../../crypto/digest.ts";
import { withKey } from "../../crypto/subkeys.ts";
import { open } from "../../disk/open.ts";
import { READ_PLAIN_FILE, writePrivateFile } from "../../disk/private-file.ts";
import type { ObjectStore } from "../../ports.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import type { BundleKeys } from "../../vault/unlock/bundle-keys.ts";

const FORMAT = "vsync-cache-v1";

/** A vault as the store had it, still encrypted. Without the passphrase it reveals no more than the store does. */
export interface SealedCopy {
  /** When vsync read it from the store, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly manifest: Uint8Array;
  readonly bundle: Uint8Array;
  /** Ties `atMs` to the manifest: see `sealTime`. */
  readonly mac: string;
}

/** The cache holds no usable copy; the message says why. */
export class CacheFault extends Error {}

/**
 * HMAC-SHA256 (RFC 2104) over time and manifest, in hex, with a key derived from the holder's slot. It keeps somebody
 * who can write the file but not open the vault from making a copy look younger.
 */
export function sealTime(keys: BundleKeys, atMs: number, manifest: Uint8Array): string {
  const sealed = `${FORMAT}|${atMs}|${sha256Hex(manifest)}`;
  return withKey(keys.derive(FORMAT), (key) => createHmac("sha256", key).update(sealed).digest("hex"));
}

export function isTimeSealed({ atMs, manifest, mac }: SealedCopy, keys: BundleKeys): boolean {
  const expected = Buffer.from(sealTime(keys, atMs, manifest));
  const given = Buffer.from(mac);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Writes the file as a whole or not at all. */
export async function writeCache(path: string, { atMs, manifest, bundle, mac }: SealedCopy): Promise<void> {
  const header = { format: FORMAT, at: atMs, manifest: manifest.length, bundle: bundle.length, mac };
  await writePrivateFile(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), manifest, bundle]));
}

/** @throws CacheFault the file does not exist, or is not a cache */
export async function readCache(path: string, maxBytes: number): Promise<SealedCopy> {
  const bytes = await readWhole(path, maxBytes);
  const end = bytes.indexOf(0x0a);
  const { at, manifest, bundle, mac } = parseHeader(bytes.subarray(0, Math.max(end, 0)));
  const body = bytes.subarray(end + 1);
  if (manifest + bundle !== body.length) throw new CacheFault("it is cut or altered");
  return { atMs: at, manifest: body.subarray(0, manifest), bundle: body.subarray(manifest), mac };
}

async function readWhole(path: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(path, READ_PLAIN_FILE).catch((error: NodeJS.ErrnoException) => {
    throw new CacheFault(error.code === "ENOENT" ? "it does not exist yet" : `it cannot be read (${error.code})`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > maxBytes) throw new CacheFault("vsync did not write it");
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

interface Header {
  readonly at: number;
  readonly manifest: number;
  readonly bundle: number;
  readonly mac: string;
}

function parseHeader(line: Buffer): Header {
  const { format, at, manifest, bundle, mac } = parseObject(line.toString());
  if (format !== FORMAT || !isCount(at) || !isCount(manifest) || !isCount(bundle) || typeof mac !== "string") {
    throw new CacheFault("vsync did not write it");
  }
  return { at, manifest, bundle, mac };
}

function parseObject(json: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(json) };
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

type Get = ObjectStore["get"];

/** A store that keeps a copy of everything read from it in `fetched`, by key. */
export function recordingStore(store: ObjectStore, fetched: Map<string, Uint8Array>): ObjectStore {
  return withGet(store, async (key, options) => {
    const stored = await store.get(key, options);
    // Copies, because vsync decrypts a bundle in place. `slice` of a Buffer would return a view.
    if (stored !== null) fetched.set(key, new Uint8Array(stored.bytes));
    return stored;
  });
}

/** A store that holds what a reader saw at the time of the copy: the manifest and the bundle that it names. */
export function copiedStore(store: ObjectStore, copy: SealedCopy): ObjectStore {
  return withGet(store, async (key, { maxBytes }) => {
    const bytes = key === MANIFEST_KEY ? copy.manifest : copy.bundle;
    return { bytes: bytes.subarray(0, maxBytes + 1), version: copy.mac };
  });
}

function withGet(store: ObjectStore, get: Get): ObjectStore {
  return {
    label: store.label,
    get,
    head: (key, options) => store.head(key, options),
    create: (key, bytes) => store.create(key, bytes),
    replace: (key, bytes, version) => store.replace(key, bytes, version),
    list: (keyPrefix, options) => store.list(keyPrefix, options),
    delete: (key) => store.delete(key),
  };
}
