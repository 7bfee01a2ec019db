import { DAY_MS } from "../durations.ts";
import { systemClock } from "../stores/open-store.ts";
import { reachVault } from "../stores/token.ts";
import { openWithKeys } from "../vault/open/open.ts";
import type { OpenRequest, ReadPorts } from "../vault/open/open-manifest.ts";
import { openThroughCache } from "./cache/open-cached.ts";
import { type Contents, contentsOf, type HeldContents } from "./contents.ts";
import { HeldToken } from "./held-token.ts";
import { readInputs } from "./inputs.ts";
import { type OpenOptions, timeoutOf, type Warn, warnThrough } from "./options.ts";

/** The share of the time that the store gets if there is a cache to fall back on. */
const STORE_SHARE = 0.5;
/** The share for reading the cache, and again for writing it. */
const DISK_SHARE = 0.2;

/** From the options to the decrypted items. Zeroes token, passphrase and keys before it returns. */
export async function openContents(options: OpenOptions, signal: AbortSignal): Promise<HeldContents> {
  using inputs = await readInputs(options);
  const { token, opening } = inputs;
  using vault = await reachVault(token, opening);
  const { ports, request } = vault;
  const contents = await openFrom(ports, { ...request, signal }, options);
  const warn = warnThrough(options);
  warnOfMove(contents, warn);
  warnOfEnd(contents, warn);
  return {
    ...contents,
    held: opening.kind === "credential" ? new HeldToken(opening.secret, token, ports.store) : null,
  };
}

async function openFrom(
  ports: ReadPorts,
  request: OpenRequest & { readonly signal: AbortSignal },
  options: OpenOptions,
): Promise<Contents> {
  if (options.cache === undefined) {
    const vault = await openWithKeys(ports, request);
    const contents = contentsOf(vault);
    vault.bundle.keys[Symbol.dispose]();
    return contents;
  }
  const timeoutMs = timeoutOf(options);
  const times = { maxAgeMs: options.maxAge, patienceMs: timeoutMs * STORE_SHARE, diskMs: timeoutMs * DISK_SHARE };
  return await openThroughCache(ports, request, { path: options.cache, ...times, warn: warnThrough(options) });
}

/** The old place still opens but gets no more changes, so somebody has to give the app a new token. */
function warnOfMove({ moved }: Contents, warn: Warn): void {
  if (moved === null) return;
  const { message, to } = moved;
  const hint = `give this app what \`vsync runtime-token ${to.env}\` prints there`;
  warn({ code: "VSYNC_MOVED", message: `${message}; this place gets no more changes`, hint, fields: { ...to } });
}

const WARNED_BEFORE_MS = 14 * DAY_MS;

/** An expired token stops the next boot, so somebody has to renew it in time. */
function warnOfEnd({ token, env }: Contents, warn: Warn): void {
  const { id, name, not_after: end } = token?.claims ?? {};
  if (id === undefined || end === undefined) return;
  const leftMs = Date.parse(end) - systemClock.nowMs();
  if (leftMs > WARNED_BEFORE_MS) return;
  warn({
    code: "VSYNC_TOKEN_EXPIRES",
    message: `the token ${name ?? id} expires ${end}`,
    hint: `\`vsync tokens update ${env} ${id} --expires=90d\` moves its expiry`,
    fields: { token: id, expiresAt: end },
  });
}
