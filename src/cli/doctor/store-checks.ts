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
import { attempt, type Check, good, warning } from "./check.ts";

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
  if (isDirectoryStore(config)) return yield* attempt("store", checkDirectory(config));
  if ((yield* attempt("store", checkServer(config))) === null) return null;
  const store = await openStore(config);
  if ((yield* attempt("credentials", checkCredentials(store, config))) === null) return null;
  const isProven = (yield* attempt("preconditions", checkPreconditions(store, config))) !== null;
  return { store, isProven };
}

async function* checkServer(config: LocalConfig): AsyncGenerator<Check, true> {
  await limitNameResolution();
  const skewMs = await measureClockSkewMs(config, REACH_TIMEOUT_MS);
  yield good("store", `${config.endpoint} answers`);
  yield clockCheck(skewMs);
  return true;
}

async function* checkDirectory(config: LocalConfig): AsyncGenerator<Check, ExaminedStore> {
  const store = await openStore(config);
  await store.head(MANIFEST_KEY);
  await proveHardLinks(config);
  yield good("store", `${store.label} can be read`);
  return { store, isProven: false };
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

async function* checkCredentials(store: ObjectStore, config: LocalConfig): AsyncGenerator<Check, true> {
  const { credentials } = config;
  const who = credentials === "ambient" ? "the ambient credentials" : `access key ${credentials.accessKeyId}`;
  // A GET, because the error of a HEAD has no body that says what is wrong.
  await store.get(MANIFEST_KEY, { maxBytes: 0 });
  yield good("credentials", `${who} can read ${store.label}`);
  return true;
}

async function* checkPreconditions(store: ObjectStore, config: LocalConfig): AsyncGenerator<Check, true> {
  const { leftover } = await provePreconditions(store, config);
  yield leftover.length === 0
    ? good("preconditions", "the bucket keeps create-only and compare-and-swap writes, even in a race of eight")
    : warning(
        "preconditions",
        `the bucket keeps them, but the proof left ${leftover.join(", ")} behind`,
        `let this key delete them: vsync policy ${vaultFlags(config)} --role=operator`,
      );
  return true;
}
