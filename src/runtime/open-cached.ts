import type { Secret } from "../crypto/secret.ts";
import { S3UnreachableError } from "../errors.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES } from "../vault/format/limits.ts";
import { openWithKeys } from "../vault/open/open.ts";
import type { OpenRequest, ReadPorts } from "../vault/open/open-manifest.ts";
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
import { type Contents, contentsOf, zeroContents } from "./contents.ts";
import { withDeadline } from "./deadline.ts";
import type { Warn } from "./options.ts";

const MAX_HEADER_BYTES = 1024;
const MAX_CACHE_BYTES = MAX_HEADER_BYTES + MAX_MANIFEST_BYTES + MAX_BUNDLE_BYTES;

export interface CacheUse {
  readonly path: string;
  readonly maxAgeMs: number;
  /** How long the store may take to answer before the copy stands in. */
  readonly patienceMs: number;
  readonly warn: Warn;
}

/**
 * Opens the vault from the store and keeps a sealed copy of it. If the store cannot be reached, opens that copy, with the
 * same checks. A store that refuses can be reached.
 *
 * @throws S3UnreachableError the store cannot be reached, and no copy is young enough
 * @throws what `openVault` throws
 */
export async function openThroughCache(
  ports: ReadPorts,
  request: OpenRequest & { readonly signal: AbortSignal },
  cache: CacheUse,
): Promise<Contents> {
  const limits = { timeoutMs: cache.patienceMs, signal: request.signal };
  const fromStore = (signal: AbortSignal) => openAndKeep(ports, { ...request, signal }, cache);
  try {
    return await withDeadline(limits, fromStore, zeroContents);
  } catch (error) {
    if (!(error instanceof S3UnreachableError) || request.signal.aborted) throw error;
    return await openCopy(ports, request, { ...cache, reason: error });
  }
}

async function openAndKeep(ports: ReadPorts, request: OpenRequest, cache: CacheUse): Promise<Contents> {
  const fetched = new Map<string, Uint8Array>();
  const vault = await openWithKeys({ ...ports, store: recordingStore(ports.store, fetched) }, request);
  using keys = vault.bundle.keys;
  const bundle = fetched.get(vault.manifest.bundle.key);
  if (bundle !== undefined) {
    const atMs = ports.clock.nowMs();
    const mac = sealTime(keys.rootKey, atMs, vault.bytes);
    await keepCopy({ atMs, manifest: vault.bytes, bundle, mac }, cache);
  }
  return contentsOf(vault);
}

/** Only warns if the copy cannot be kept: the vault is open. */
async function keepCopy(copy: SealedCopy, { path, warn }: CacheUse): Promise<void> {
  try {
    await writeCache(path, copy);
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    warn({
      code: "VSYNC_CACHE_UNWRITABLE",
      message: `the cache ${path} cannot be written (${code})`,
      hint: "create its folder and let the app's user write there; until then no newer copy can stand in for the store",
      fields: { path },
    });
  }
}

type Fallback = CacheUse & { readonly reason: S3UnreachableError };

async function openCopy(ports: ReadPorts, request: OpenRequest, fallback: Fallback): Promise<Contents> {
  const copy = await readCopy(fallback);
  const vault = await openWithKeys({ ...ports, store: copiedStore(ports.store, copy) }, request);
  using keys = vault.bundle.keys;
  const ageMs = ports.clock.nowMs() - copy.atMs;
  const fault = faultOf(copy, keys.rootKey, ageMs, fallback.maxAgeMs);
  const contents = contentsOf(vault, Math.max(0, ageMs));
  if (fault !== null) {
    zeroContents(contents);
    throw cannotStandIn(fallback, fault);
  }
  const { path, reason, warn } = fallback;
  warn({
    code: "VSYNC_STALE_VAULT",
    message: `${reason.message}; opened generation ${vault.manifest.gen} from the cache ${path}, ${seconds(ageMs)} s old`,
    hint: reason.hint ?? "check why the store does not answer",
    fields: { path, gen: vault.manifest.gen, ageMs },
  });
  return contents;
}

async function readCopy(fallback: Fallback): Promise<SealedCopy> {
  try {
    return await readCache(fallback.path, MAX_CACHE_BYTES);
  } catch (error) {
    throw error instanceof CacheFault ? cannotStandIn(fallback, error.message) : error;
  }
}

/** Refuses a copy from the future like an old one: with the clock set back it would stay young for ever. */
function faultOf(copy: SealedCopy, rootKey: Secret, ageMs: number, maxAgeMs: number): string | null {
  if (!isTimeSealed(copy, rootKey)) return "somebody altered its time";
  if (Math.abs(ageMs) <= maxAgeMs) return null;
  return `it is ${seconds(ageMs)} s old, more than the ${seconds(maxAgeMs)} s of maxAge`;
}

function cannotStandIn({ path, reason }: Fallback, fault: string): S3UnreachableError {
  const message = `${reason.message}; the cache ${path} cannot stand in: ${fault}`;
  return new S3UnreachableError(message, reason.hint === undefined ? {} : { hint: reason.hint });
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
