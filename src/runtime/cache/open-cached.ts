import { codeOf } from "../../disk/posix.ts";
import { PassphraseRetiredError, S3UnreachableError, VsyncError } from "../../errors.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES } from "../../vault/format/limits.ts";
import { type Manifest, type ParsedManifest, parseManifest } from "../../vault/format/manifest.ts";
import { requireExpected } from "../../vault/open/expectation.ts";
import { openWithKeys } from "../../vault/open/open.ts";
import {
  type FetchedManifest,
  type OpenRequest,
  proveManifest,
  type ReadPorts,
} from "../../vault/open/open-manifest.ts";
import type { BundleKeys } from "../../vault/unlock/bundle-keys.ts";
import { type Contents, contentsOf, zeroContents } from "../contents.ts";
import { withDeadline } from "../deadline.ts";
import type { Warn } from "../options.ts";
import {
  CacheFault,
  copiedStore,
  isTimeSealed,
  readCache,
  recordingStore,
  type SealedCopy,
  sealTime,
  writeCache,
} from "./cache.ts";

const MAX_HEADER_BYTES = 1024;
const MAX_CACHE_BYTES = MAX_HEADER_BYTES + MAX_MANIFEST_BYTES + MAX_BUNDLE_BYTES;

export interface CacheUse {
  readonly path: string;
  readonly maxAgeMs: number;
  /** How long the store may take before the copy is used instead. */
  readonly patienceMs: number;
  /** How long the cache's disk may take for reading, and again for writing. */
  readonly diskMs: number;
  readonly warn: Warn;
}

type CachedRequest = OpenRequest & { readonly signal: AbortSignal };

/**
 * Opens the vault from the store and keeps a sealed copy of it. If the store cannot be reached, it opens that copy,
 * with the same checks. A store that refuses access counts as reached. A store with an older generation than the copy
 * is refused.
 *
 * @throws S3UnreachableError the store cannot be reached, and the copy is missing or too old
 * @throws what `openVault` throws
 */
export async function openThroughCache(ports: ReadPorts, request: CachedRequest, cache: CacheUse): Promise<Contents> {
  const limits = { timeoutMs: cache.patienceMs, signal: request.signal };
  const fromStore = (signal: AbortSignal) => openFromStore(ports, { ...request, signal });
  let opened: Opened;
  try {
    opened = await withDeadline(limits, fromStore, ({ contents }) => zeroContents(contents));
  } catch (error) {
    if (!(error instanceof S3UnreachableError) || request.signal.aborted) throw error;
    return await openCopy(ports, request, { ...cache, reason: error });
  }
  try {
    await requireNotOlder(opened.manifest, ports, request, cache);
    await keepCopy(opened.copy, cache, request.signal);
    return opened.contents;
  } catch (error) {
    zeroContents(opened.contents);
    throw error;
  }
}

interface Opened {
  readonly contents: Contents;
  readonly manifest: Manifest;
  readonly copy: SealedCopy;
}

async function openFromStore(ports: ReadPorts, request: OpenRequest): Promise<Opened> {
  const fetched = new Map<string, Uint8Array>();
  const vault = await openWithKeys({ ...ports, store: recordingStore(ports.store, fetched) }, request);
  using keys = vault.bundle.keys;
  const { manifest, bytes } = vault;
  const bundle = fetched.get(manifest.bundle.key) ?? new Uint8Array();
  const atMs = ports.clock.nowMs();
  const mac = sealTime(keys, atMs, bytes);
  return { contents: contentsOf(vault), manifest, copy: { atMs, manifest: bytes, bundle, mac } };
}

/**
 * The copy is a rollback floor: otherwise somebody who can write to the store could restore an older generation.
 *
 * @throws RollbackError the manifest is older than the copy
 */
async function requireNotOlder(
  manifest: Manifest,
  ports: ReadPorts,
  request: CachedRequest,
  cache: CacheUse,
): Promise<void> {
  const copy = await readCopy(cache, request.signal).catch((error: unknown) => {
    if (error instanceof CacheFault) return null;
    throw error;
  });
  const kept = copy === null ? null : parsedOrNull(copy.manifest);
  // Proving the copy may take a second key derivation, so do it only if the copy is newer.
  if (copy === null || kept === null || kept.manifest.gen <= manifest.gen) return;
  const expect = { ...request.expect, vault: manifest.vault };
  if (!(await isGenuine({ ...kept, bytes: copy.manifest, version: copy.mac }, ports, { ...request, expect }))) return;
  requireExpected(manifest, { ...expect, minGen: kept.manifest.gen });
}

function parsedOrNull(bytes: Uint8Array): ParsedManifest | null {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof VsyncError) return null;
    throw error;
  }
}

/** A passphrase that the copy has retired also proves it: its grace window is checked last. */
async function isGenuine(fetched: FetchedManifest, ports: ReadPorts, request: OpenRequest): Promise<boolean> {
  try {
    await proveManifest(fetched, ports, request);
    return true;
  } catch (error) {
    if (!(error instanceof VsyncError)) throw error;
    return error instanceof PassphraseRetiredError;
  }
}

/** Only warns if it cannot keep the copy, because the vault is open. */
async function keepCopy(copy: SealedCopy, cache: CacheUse, signal: AbortSignal): Promise<void> {
  const { path, warn } = cache;
  try {
    await onDisk(cache, signal, () => writeCache(path, copy));
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof CacheFault ? error.message : codeOf(error);
    warn({
      code: "VSYNC_CACHE_UNWRITABLE",
      message: `the cache ${path} cannot be written (${why})`,
      hint: "create its folder and let the app's user write there; until then the cache stays as it is",
      fields: { path },
    });
  }
}

/**
 * A disk may hang, for example a network folder whose server is gone. That must not count as a failure of the store.
 */
async function onDisk<T>({ diskMs }: CacheUse, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline({ timeoutMs: diskMs, signal }, work, () => {});
  } catch (error) {
    if (!(error instanceof S3UnreachableError) || signal.aborted) throw error;
    throw new CacheFault(`its disk did not answer within ${diskMs} ms`);
  }
}

type Fallback = CacheUse & { readonly reason: S3UnreachableError };

async function openCopy(ports: ReadPorts, request: CachedRequest, fallback: Fallback): Promise<Contents> {
  const copy = await readCopy(fallback, request.signal).catch((error: unknown) => {
    throw error instanceof CacheFault ? cannotStandIn(fallback, error.message) : error;
  });
  const vault = await openWithKeys({ ...ports, store: copiedStore(ports.store, copy) }, request);
  using keys = vault.bundle.keys;
  const ageMs = ports.clock.nowMs() - copy.atMs;
  const fault = faultOf(copy, keys, ageMs, fallback.maxAgeMs);
  const contents = contentsOf(vault, Math.max(0, ageMs));
  if (fault !== null) {
    zeroContents(contents);
    throw cannotStandIn(fallback, fault);
  }
  const { path, reason, warn } = fallback;
  warn({
    code: "VSYNC_STALE_VAULT",
    message: `${reason.message}; opened generation ${vault.manifest.gen} from the cache ${path}, ${seconds(ageMs)} s old`,
    hint: reason.hint ?? "check why the store does not respond",
    fields: { path, gen: vault.manifest.gen, ageMs },
  });
  return contents;
}

/**
 * @throws CacheFault the copy does not exist or is not a cache, or its disk does not respond
 */
async function readCopy(cache: CacheUse, signal: AbortSignal): Promise<SealedCopy> {
  return onDisk(cache, signal, () => readCache(cache.path, MAX_CACHE_BYTES));
}

/** Refuses a copy from the future like an old one: after the clock was set back it would stay young for ever. */
function faultOf(copy: SealedCopy, keys: BundleKeys, ageMs: number, maxAgeMs: number): string | null {
  if (!isTimeSealed(copy, keys)) return "somebody altered its time";
  if (Math.abs(ageMs) <= maxAgeMs) return null;
  return `it is ${seconds(ageMs)} s old, more than the ${seconds(maxAgeMs)} s of maxAge`;
}

function cannotStandIn({ path, reason }: Fallback, fault: string): S3UnreachableError {
  const message = `${reason.message}; the cache ${path} cannot replace it: ${fault}`;
  return new S3UnreachableError(message, reason.hint === undefined ? {} : { hint: reason.hint });
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
