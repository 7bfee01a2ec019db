import type { JsonValue, Refuse } from "../canonical-json.ts";
import { anyText, backendId, listOf, text, textThat } from "./backends/forms.ts";
import { isTokenId, TOKEN_KINDS, type TokenKind } from "./credential-form.ts";
import { type At, elementsOf, memberOf, type RefuseAt, refuseGiven, requireObject } from "./given.ts";
import { jsonOf, requireGrants } from "./grants/grant.ts";
import { CAPABILITIES, requireKnownPermissions } from "./permissions.ts";
import { routeFault } from "./routes.ts";

/** What a scoped token may do, under the names of its JSON (docs/format.md, Claims). An absent list is unrestricted. */
export interface Claims {
  readonly id: string;
  readonly kind: TokenKind;
  readonly name?: string;
  readonly backend?: string;
  /** Like `permissions` and `grants`, may contain entries of a later version. */
  readonly capabilities: readonly string[];
  readonly permissions?: readonly string[];
  readonly grants?: readonly JsonValue[];
  readonly meters?: readonly string[];
  readonly routes?: readonly string[];
  readonly created_at: string;
  readonly not_after?: string;
}

const MAX_CLAIMS_BYTES = 8192;
const MAX_NAME_BYTES = 128;
const encoder = new TextEncoder();

type Check = (at: At) => void;

const distinctTexts = listOf(anyText, { distinct: true }).check;
const instant = textThat(instantFault).check;

/** The fields in the order of writing. */
const FORMS: Readonly<Record<keyof Claims, Check>> = {
  id: textThat((id) => (isTokenId(id) ? null : "must be tok_ and 32 lower-case hex digits")).check,
  kind: textThat((kind) => (TOKEN_KINDS.some((known) => known === kind) ? null : "must be live or test")).check,
  name: textThat(nameFault).check,
  backend: backendId.check,
  capabilities: distinctTexts,
  permissions: distinctTexts,
  grants: (at) => void elementsOf(at),
  meters: listOf(text(/^[a-z0-9_]{1,64}$/, "must have 1\u202664 of a\u2026z, 0\u20269 and _")).check,
  routes: listOf(textThat(routeFault)).check,
  created_at: instant,
  not_after: instant,
};

/** Checks that entries are known to this version, for lists that a later version may extend. */
const KNOWN: Readonly<Partial<Record<keyof Claims, Check>>> = {
  capabilities: requireKnownCapabilities,
  permissions: requireKnownPermissions,
  grants: requireGrants,
};

const NAMES = Object.keys(FORMS) as readonly (keyof Claims)[];
const REQUIRED: readonly (keyof Claims)[] = ["id", "kind", "capabilities", "created_at"];

/**
 * Checks claims that somebody gives: this version must know everything in them. `tunnelsGrants` is another name for
 * `grants`. The result is in the format's order.
 *
 * @throws GrantInvalidError the first fault; `path` is the field and the place in it
 */
export function checkClaims(given: unknown): Claims {
  const at: At = { value: jsonOf(given, "claims"), path: "", refuse: refuseGiven };
  const claims = requireObject({ ...at, path: "claims" });
  if (!Object.hasOwn(claims, "tunnelsGrants")) return parseFields(at, "claims", [FORMS, KNOWN]);
  if (Object.hasOwn(claims, "grants")) throw refuseGiven("tunnelsGrants", "must be absent if there are grants");
  requireGrants(memberOf(at, "tunnelsGrants"));
  const { tunnelsGrants, ...others } = claims;
  return parseFields({ ...at, value: { ...others, grants: tunnelsGrants as JsonValue } }, "claims", [FORMS, KNOWN]);
}

/**
 * Parses the claims in a slot or a record. A capability, permission or grant of a later version allows nothing, but
 * does not keep the slot from opening.
 *
 * @throws what `refuse` makes, if form or bounds are wrong
 */
export function parseClaims(value: JsonValue, refuse: Refuse): Claims {
  const refuseAt: RefuseAt = (path, fault) => refuse(`has claims whose ${path} ${fault}`);
  return parseFields({ value, path: "", refuse: refuseAt }, "JSON", [FORMS]);
}

/**
 * The first thing in stored claims that this version does not know, as part of a message, or null. A writer must stop
 * then: its commit would give the token less, or drop a restriction.
 */
export function unknownInClaims(claims: Claims): string | null {
  const at: At = { value: claims as unknown as JsonValue, path: "", refuse: (path) => new UnknownAt(path) };
  try {
    checkAll(at, [KNOWN]);
    return null;
  } catch (error) {
    if (error instanceof UnknownAt) return error.message;
    throw error;
  }
}

class UnknownAt extends Error {}

function parseFields(at: At, whole: string, checks: readonly Partial<Record<keyof Claims, Check>>[]): Claims {
  const fields = requireObject({ ...at, path: whole });
  for (const name of Object.keys(fields)) {
    if (!NAMES.some((known) => known === name)) throw at.refuse(name, "is not a claim");
  }
  const missing = REQUIRED.find((name) => !Object.hasOwn(fields, name));
  if (missing !== undefined) throw at.refuse(missing, "is missing");
  checkAll(at, checks);
  const claims = Object.fromEntries(
    NAMES.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]),
  );
  if (encoder.encode(JSON.stringify(claims)).length > MAX_CLAIMS_BYTES) {
    throw at.refuse(whole, `must have at most ${MAX_CLAIMS_BYTES} bytes as JSON`);
  }
  return claims as unknown as Claims;
}

function checkAll(at: At, checks: readonly Partial<Record<keyof Claims, Check>>[]): void {
  for (const name of NAMES) {
    if (!Object.hasOwn(at.value as object, name)) continue;
    for (const check of checks) check[name]?.(memberOf(at, name));
  }
}

function requireKnownCapabilities(at: At): void {
  let last = -1;
  for (const { value, path, refuse } of elementsOf(at)) {
    const order = CAPABILITIES.findIndex((capability) => capability === value);
    if (order === -1) {
      const named = JSON.stringify(value);
      throw refuse(path, `UNKNOWN_RUNTIME_TOKEN_CAPABILITY ${named}: use any of ${CAPABILITIES.join(", ")}`);
    }
    if (order <= last) throw refuse(path, `must follow the order ${CAPABILITIES.join(", ")}`);
    last = order;
  }
}

function nameFault(name: string): string | null {
  const bytes = encoder.encode(name).length;
  if (bytes < 1 || bytes > MAX_NAME_BYTES) return `must have 1\u2026${MAX_NAME_BYTES} bytes`;
  return /\p{Cc}/u.test(name) ? "must not have control characters" : null;
}

function instantFault(at: string): string | null {
  const date = new Date(at);
  const sound = !Number.isNaN(date.getTime()) && date.toISOString() === at;
  return sound && at.length === 24 ? null : "must be a time such as 2026-11-30T09:00:00.000Z";
}
