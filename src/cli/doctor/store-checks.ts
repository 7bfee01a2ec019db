import { rootOf } from "../../directory/location.ts";
import { hasErrno } from "../../disk/posix.ts";
import type { ObjectStore } from "../../ports.ts";
import { measureClockSkewMs } from "../../stores/bucket-checks.ts";
import { isDirectoryStore, systemClock } from "../../stores/open-store.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultFlags } from "../config/target.ts";
import { provePreconditions } from "../init/prepare-store.ts";
import { openStore } from "../session/store.ts";
import { clockTimes } from "../terminal/times.ts";
import { limitNameResolution } from "../tokens/minting/prove-token.ts";
import { badOrThrow, type Check, good, warning } from "./check.ts";

const REACH_TIMEOUT_MS = 8_000;
const WORRYING_SKEW_MS = 60_000;

export interface ExaminedStore {
  readonly store: ObjectStore;
  /** Whether the bucket has just proved that it keeps the preconditions of writes. */
  readonly isProven: boolean;
}

/**
 * Checks that the store responds, accepts this machine's clock and credentials, and can hold a vault. Returns it, or
 * null.
 */
export async function* checkStore(config: LocalConfig): AsyncGenerator<Check, ExaminedStore | null> {
  if (isDirectoryStore(config)) return yield* checkDirectory(config);
  await limitNameResolution();
  try {
    const skewMs = await measureClockSkewMs(config, REACH_TIMEOUT_MS);
    yield good("store", `${config.endpoint} answers`);
    yield clockCheck(skewMs);
  } catch (error) {
    yield badOrThrow("store", error);
    return null;
  }
  const store = await openStore(config);
  if (!(yield* checkCredentials(store, config))) return null;
  return { store, isProven: yield* checkPreconditions(store, config) };
}

async function* checkDirectory(config: LocalConfig): AsyncGenerator<Check, ExaminedStore | null> {
  try {
    const store = await openStore(config);
    await store.head(MANIFEST_KEY);
    await proveHardLinks(config);
    yield good("store", `${store.label} can be read`);
    return { store, isProven: false };
  } catch (error) {
    yield badOrThrow("store", error);
    return null;
  }
}

/** A reader cannot write to the folder, and does not need hard links. */
async function proveHardLinks(config: LocalConfig): Promise<void> {
  const links = await import("../../directory/folders.ts");
  try {
    await links.proveHardLinks(rootOf(config));
  } catch (error) {
    if (!hasErrno(error, "EACCES", "EROFS", "EPERM", "ENOENT")) throw error;
  }
}

function clockCheck(skewMs: number | null): Check {
  if (skewMs === null) return good("clock", "the server does not say what time it is");
  const nowMs = systemClock.nowMs();
  if (Math.abs(skewMs) >= WORRYING_SKEW_MS) {
    return warning(
      "clock",
      clockTimes(nowMs, skewMs),
      "correct this machine's clock: S3 refuses requests that are 15 minutes off",
    );
  }
  return good("clock", "this machine and the server agree on the time, to the minute");
}

async function* checkCredentials(store: ObjectStore, config: LocalConfig): AsyncGenerator<Check, boolean> {
  const { credentials } = config;
  const who = credentials === "ambient" ? "the ambient credentials" : `access key ${credentials.accessKeyId}`;
  try {
    // A GET, because the error of a HEAD has no body that says what is wrong.
    await store.get(MANIFEST_KEY, { maxBytes: 0 });
    yield good("credentials", `${who} can read ${store.label}`);
    return true;
  } catch (error) {
    yield badOrThrow("credentials", error);
    return false;
  }
}

async function* checkPreconditions(store: ObjectStore, config: LocalConfig): AsyncGenerator<Check, boolean> {
  try {
    const { leftover } = await provePreconditions(store, config);
    yield leftover.length === 0
      ? good("preconditions", "the bucket keeps create-only and compare-and-swap writes, even in a race of eight")
      : warning(
          "preconditions",
          `the bucket keeps them, but the proof left ${leftover.join(", ")} behind`,
          deletionHint(config),
        );
    return true;
  } catch (error) {
    yield badOrThrow("preconditions", error);
    return false;
  }
}

function deletionHint(config: LocalConfig): string {
  return `let this key delete them: vsync policy ${vaultFlags(config)} --role=operator`;
}
