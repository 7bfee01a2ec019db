import { DAY_MS } from "../../../durations.ts";
import { InputError } from "../../../errors.ts";
import { checkClaims } from "../../../tokens/claims.ts";
import type { TokenKind } from "../../../tokens/credential-form.ts";
import { CAPABILITIES } from "../../../tokens/permissions.ts";
import type { GivenClaims } from "../../../vault/tokens/create.ts";
import { Flags, type Given } from "../../command/flags.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import { parseDuration } from "../../inputs/time-flags.ts";
import type { Output } from "../../terminal/output.ts";
import { accessChange } from "./access-change.ts";
import { ACCESS_FLAGS, type AccessFlags, accessOf, looseConnectPaths } from "./access-flags.ts";

const LIST = { helpValue: "<list>", helpGroup: "BACKEND", multiple: true, delimiter: "," } as const;

/** The flags for a token's claims, for `tokens create` and `tokens update`. */
export const CLAIM_FLAGS = {
  name: Flags.string({ description: "label for people, unique among live tokens", helpValue: "<text>" }),
  expires: Flags.string({ description: "when it ends, as in 90d, or never", helpValue: "<duration>|never" }),
  ...ACCESS_FLAGS,
  backend: Flags.string({ description: "backend that it is bound to", helpValue: "<id>", helpGroup: "BACKEND" }),
  capabilities: Flags.string({ description: `of ${CAPABILITIES.join(", ")} (default: the first three)`, ...LIST }),
  meters: Flags.string({ description: "meters that it may report (default: all)", ...LIST }),
  routes: Flags.string({ description: "routes that it may serve, as in 'GET /api/*' (default: all)", ...LIST }),
};

export type ClaimFlags = Given<typeof CLAIM_FLAGS>;

const DEFAULT_CAPABILITIES = CAPABILITIES.slice(0, 3);
/** Tokens of these envs get the kind live; all others are for tests. */
const LIVE_ENVS = ["prod", "production", "live"];

export function kindOf(env: string): TokenKind {
  return LIVE_ENVS.includes(env) ? "live" : "test";
}

/**
 * The claims of a new token, except its expiry.
 *
 * @throws GrantInvalidError a claim is not valid; `path` says which
 * @throws InputError the flags contradict each other
 */
export async function claimsOf(flags: ClaimFlags, kind: TokenKind): Promise<GivenClaims> {
  const { capabilities = DEFAULT_CAPABILITIES } = flags;
  const isForWork = [flags.capabilities, flags.meters, flags.routes].some((given) => given !== undefined);
  const claims = {
    kind,
    ...labelsOf(flags),
    capabilities: inOrder(capabilities),
    ...(await accessOf(flags, { isForWork })),
  };
  return checked({ ...claims, ...listsOf(flags) });
}

/**
 * Returns new claims for a token. Claims without a flag stay.
 *
 * @throws what `claimsOf` throws
 */
export async function claimsChange(flags: ClaimFlags): Promise<(claims: GivenClaims) => GivenClaims> {
  const capabilities = flags.capabilities === undefined ? {} : { capabilities: inOrder(flags.capabilities) };
  const given = { ...labelsOf(flags), ...capabilities, ...listsOf(flags) };
  const access = changesAccess(flags) ? await accessChange(flags) : null;
  return (claims) => {
    const { permissions: _permissions, grants: _grants, ...others } = claims;
    return { ...(access === null ? claims : { ...others, ...access(claims) }), ...given };
  };
}

function changesAccess(flags: ClaimFlags): boolean {
  return Object.keys(ACCESS_FLAGS).some((name) => flags[name as keyof AccessFlags] !== undefined);
}

function labelsOf({ name, backend }: ClaimFlags): Pick<GivenClaims, "name" | "backend"> {
  return { ...(name === undefined ? {} : { name }), ...(backend === undefined ? {} : { backend }) };
}

function listsOf({ meters, routes }: ClaimFlags): Pick<GivenClaims, "meters" | "routes"> {
  return { ...(meters === undefined ? {} : { meters }), ...(routes === undefined ? {} : { routes }) };
}

/** Known capabilities in the format's order, then unknown ones, which `checkClaims` reports. */
function inOrder(given: readonly string[]): readonly string[] {
  const known = CAPABILITIES.filter((capability) => given.includes(capability));
  return [...known, ...given.filter((name) => !known.some((capability) => capability === name))];
}

/** Runs before anybody is asked for a passphrase, so id and time are placeholders. */
function checked(claims: GivenClaims): GivenClaims {
  const {
    id: _id,
    created_at: _at,
    ...sound
  } = checkClaims({ ...claims, id: `tok_${"0".repeat(32)}`, created_at: NEVER });
  return sound;
}

const NEVER = "1970-01-01T00:00:00.000Z";

const PROPOSED = "90d";
const LONGEST_MS = 36_500 * DAY_MS;

/**
 * When the token expires, `YYYY-MM-DDTHH:MM:SS.mmmZ`, or null for never. Without the flag, it asks on a terminal.
 *
 * @throws InputError it is not a duration
 */
export async function endOf(
  expires: string | undefined,
  nowMs: number,
  { prompter }: Pick<SecretSources, "prompter">,
): Promise<string | null> {
  if (expires !== undefined) return endAfter(expires, nowMs);
  if (!prompter.isInteractive) return null;
  const question = { message: "Expires after (as in 90d, or never):", default: PROPOSED, check: lifetimeFault };
  return endAfter(await prompter.text(question), nowMs);
}

/** @throws InputError it is not a duration */
export function endAfter(lifetime: string, nowMs: number): string | null {
  const fault = lifetimeFault(lifetime);
  if (fault !== null) throw new InputError(`--expires ${fault}`, { hint: "write it as in 12h or 90d, or never" });
  return lifetime === "never" ? null : new Date(nowMs + (parseDuration(lifetime) ?? 0)).toISOString();
}

function lifetimeFault(text: string): string | null {
  const ms = text === "never" ? LONGEST_MS : (parseDuration(text) ?? 0);
  return ms > 0 && ms <= LONGEST_MS ? null : "must be a duration from 1s to 36500d, or never";
}

/** Warns of a pattern that matches more than it seems to. */
export function warnOfPatterns({ grants }: Pick<GivenClaims, "grants">, output: Output): void {
  for (const pattern of looseConnectPaths(grants)) {
    output.warn(`the path pattern ${pattern} also matches longer names, as ^/api matches /apiary: end it with (/|$)`);
  }
}
