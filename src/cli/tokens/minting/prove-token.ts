import { AccessDeniedError, InputError, S3UnreachableError } from "../../../errors.ts";
import { RUNTIME_TOKEN_EXIT_CODES } from "../../../exit-codes.ts";
import { proveRead } from "../../../stores/bucket-checks.ts";
import { isSamePlace, type StoreLocation } from "../../../stores/location.ts";
import { isDirectoryStore, systemClock } from "../../../stores/open-store.ts";
import { MANIFEST_KEY } from "../../../vault/format/object-keys.ts";
import type { LocalConfig } from "../../config/local-config.ts";
import { type Target, vaultArgs, vaultFlags } from "../../config/target.ts";
import { openStore } from "../../session/store.ts";
import { ACCEPTED_SKEW_MS, clockTimes } from "../../terminal/times.ts";

/** One request without retries. With the limits below, the command always answers within 10 s. */
const LIMITS = { attempts: 1, connectTimeoutMs: 4_000, readTimeoutMs: 6_000, deadlineMs: 7_000 };
/** For work without a limit of its own, such as a network file system. */
const ANSWER_BY_MS = 7_500;
const END_BY_MS = 8_000;

/**
 * Like `proveLocation`, and compares the anchor that the token will pin with the vault's. After this call the process
 * ends within 8 s, even if something still keeps it alive.
 *
 * @throws InputError the vault has another anchor
 */
export async function proveToken(location: StoreLocation, config: LocalConfig): Promise<boolean> {
  let isAnswered = false;
  // By then a pending search for ambient credentials would only keep the process alive.
  setTimeout(
    () => process.exit(isAnswered ? process.exitCode : RUNTIME_TOKEN_EXIT_CODES.failures.S3_UNREACHABLE),
    END_BY_MS,
  ).unref();
  try {
    return await withinLimit(location, proveAll(location, config));
  } finally {
    isAnswered = true;
  }
}

async function proveAll(location: StoreLocation, config: LocalConfig): Promise<boolean> {
  const isThere = await proveLocation(location, config);
  if (isThere && config.anchor !== undefined) await requireAnchor(location, config);
  return isThere;
}

/**
 * Sends one HEAD for the manifest with the same credentials that go into the token. Returns whether the manifest
 * exists.
 *
 * @throws AccessDeniedError the credentials may not read it
 * @throws S3UnreachableError the store cannot be reached
 */
export function proveLocation(location: StoreLocation, target: Target): Promise<boolean> {
  return withinLimit(location, isDirectoryStore(location) ? proveFile(location) : proveObject(location, target));
}

async function withinLimit<T>(location: StoreLocation, work: Promise<T>): Promise<T> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const message = `cannot read ${location.prefix}${MANIFEST_KEY}: no answer within ${ANSWER_BY_MS / 1000} s`;
  const timer = setTimeout(() => reject(new S3UnreachableError(message)), ANSWER_BY_MS);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * After a leak, only the machine that rotated knows the new anchor. Others must not learn it from the manifest, because
 * somebody with the leaked passphrase could write one that names their own anchor.
 */
async function requireAnchor(location: StoreLocation, config: LocalConfig): Promise<void> {
  // Loaded only here, because vaults without scoped tokens have no anchor.
  const { fetchManifest } = await import("../../../vault/open/open-manifest.ts");
  const { anchorOf } = await import("../../../vault/format/tokens/anchors.ts");
  const manifest = (await fetchManifest(await openStore(location)))?.manifest;
  if (manifest === undefined || manifest.vault !== config.vault || anchorOf(manifest) === config.anchor) return;
  throw new InputError(`the anchor of ${config.repo}/${config.env} is not the one that this machine knows`, {
    hint:
      `if the passphrase was rotated with --leaked, run vsync tokens list ${vaultArgs(config)} with the new passphrase, ` +
      "to learn the new anchor, then this command again",
  });
}

/** What may be wrong with a token minted without reading the vault; null if it pins nothing. */
export function unprovenAnchor(config: LocalConfig): string | null {
  if (config.anchor === undefined) return null;
  return (
    `the token pins the anchor that this machine has seen up to gen=${config.seenGen}: ` +
    `after a rotate-passphrase --leaked elsewhere, run vsync tokens list ${vaultArgs(config)} and mint it again`
  );
}

async function proveFile(location: StoreLocation): Promise<boolean> {
  const store = await openStore(location);
  return (await store.head(MANIFEST_KEY)) !== null;
}

async function proveObject(location: StoreLocation, target: Target): Promise<boolean> {
  await limitNameResolution();
  const proof = await proveRead(location, MANIFEST_KEY, LIMITS);
  if (proof.kind === "refused") throw await cannotRead(location, target, proof.serverMs);
  return proof.kind === "readable";
}

/** Names bucket and key, to expose a typo: a HEAD cannot tell a missing bucket from a missing key. */
export function absentManifest(location: StoreLocation, config: LocalConfig): string {
  const { bucket, prefix } = location;
  const { seenGen } = config;
  const next = `run vsync push ${vaultArgs(config)} before booting apps`;
  if (seenGen === 0 || !isSamePlace(location, config)) return `${bucket} has no ${prefix}${MANIFEST_KEY} yet: ${next}`;
  return (
    `${bucket} has no ${prefix}${MANIFEST_KEY}, and this machine has seen generation ${seenGen}: check bucket and prefix, ` +
    `restore the manifest from the store's object versions or a backup, or, for a new vault, ` +
    `vsync init ${vaultFlags(config)} --reset and ${next}`
  );
}

/** The response to a HEAD has no body, so a 403 does not say which of several causes it has. */
async function cannotRead(
  location: StoreLocation,
  target: Target,
  serverMs: number | null,
): Promise<AccessDeniedError> {
  const message = `credentials accepted by S3 but cannot read ${location.prefix}${MANIFEST_KEY}`;
  const nowMs = systemClock.nowMs();
  const skewMs = serverMs === null ? 0 : serverMs - nowMs;
  if (Math.abs(skewMs) > ACCEPTED_SKEW_MS) {
    return new AccessDeniedError(message, { hint: `${clockTimes(nowMs, skewMs)}: correct this machine's clock` });
  }
  const { readerStatement } = await import("../../policy/policy.ts");
  const statement = JSON.stringify(readerStatement(location));
  return new AccessDeniedError(message, {
    hint:
      "they may not read it, or it is not there yet and they may not list the bucket (a wrong secret key looks the same): " +
      `allow them ${statement}, and run vsync push ${vaultArgs(target)} if nothing was pushed yet`,
  });
}

/**
 * Shortens name resolution. Call it before the first look-up. By default glibc waits 5 s for each silent name server,
 * twice over, and nothing can interrupt it, not even `process.exit()`. With this variable it takes a few seconds in
 * total. Other resolvers have their own limits.
 */
export async function limitNameResolution(): Promise<void> {
  // Loaded only here, because --no-validate must not load anything for the network.
  const { getServers } = await import("node:dns");
  const attempts = getServers().length > 1 ? 1 : 2;
  process.env["RES_OPTIONS"] = `${process.env["RES_OPTIONS"] ?? ""} timeout:1 attempts:${attempts}`.trim();
}
