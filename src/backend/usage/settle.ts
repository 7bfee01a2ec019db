import type { JsonObject } from "../../canonical-json.ts";
import { AccessTokenError } from "../../errors.ts";
import type { KnownTokens, VerifiableToken } from "../../tokens/access/verify.ts";
import type { UsageEvent } from "../../usage/event.ts";
import type { UsageMap } from "../../usage/meters.ts";
import { parseStatement, parseUsageClaims, USAGE_HEADER, type UsageClaims } from "../../usage/statement.ts";
import { isVerificationCode, REFUSAL_HEADER } from "../verification-error.ts";

/** Headers of a response, as in Fetch or Node.js. */
export type ResponseHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What the gateway remembers of a request that it signed. */
export interface SignedUsage {
  readonly id: string;
  /** Empty if the gateway knew no route. */
  readonly routeId: string;
  readonly backend: string;
  readonly signedAtMs: number;
  /** The route's meters. If absent or empty, the route is not metered. */
  readonly meters?: readonly string[] | undefined;
  /** By meter, the most that one request may use. */
  readonly maxPerRequest?: Readonly<Record<string, number>> | undefined;
  readonly subject?: string | undefined;
  /** Whether it was refused once and signed again. */
  readonly isAgain?: boolean;
  /** Whether its usage has been recorded. */
  readonly isSettled?: boolean;
}

/** How the usage of a response was judged. */
export interface Settlement<H> {
  /** Also `ok` if a route is not metered and its response reports nothing. */
  readonly outcome: "ok" | "missing" | "malformed" | "refused";
  /** For the log, never for the client. */
  readonly reason?: string;
  /** The headers for the client, without those meant for the gateway. */
  readonly headers: H;
  /** What to count; only for `ok`. */
  readonly usage?: SettledUsage;
  /** The status for the client if the origin refused the gateway's signature. */
  readonly status?: 502;
  /** Sign the request again and resend it once: a wrong time may have caused the refusal. */
  readonly signAnew?: true;
}

/** The event for the ledger. Its subject is the one that the gateway signed; the origin's word does not count. */
export function responseEvent(request: SignedUsage, said: SettledUsage, atMs: number): UsageEvent {
  const { token, usage, ...more } = said;
  const { id, routeId, backend, subject } = request;
  const where = { request_id: id, route_id: routeId, token, backend, ...(subject === undefined ? {} : { subject }) };
  return { id, lane: "response", usage, ...where, ...more, at: atMs };
}

export interface SettledUsage {
  /** The token that reported it. */
  readonly token: string;
  readonly usage: UsageMap;
  readonly context?: JsonObject;
  readonly credits?: UsageMap;
  /** The origin will report the usage in an event. */
  readonly pending?: true;
}

/** Refusals after which a new signature may succeed. */
const WORTH_ANOTHER = ["expired_signature", "clock_skew", "unknown_key_id"];
const MAX_AHEAD_MS = 60_000;

class SettleFault extends Error {
  readonly outcome: "malformed" | "refused";

  constructor(outcome: "malformed" | "refused", fault: string) {
    super(fault);
    this.outcome = outcome;
  }
}

const malformed = (fault: string): SettleFault => new SettleFault("malformed", `the usage ${fault}`);
const refused = (fault: string): SettleFault => new SettleFault("refused", fault);

/**
 * Judges the usage in a response by what the gateway itself knows of the request.
 *
 * @param known the tokens of the newest generation
 */
export async function settleUsage<H extends ResponseHeaders>(
  request: SignedUsage,
  headers: H,
  known: KnownTokens,
  atMs: number,
): Promise<Settlement<H>> {
  const forClient = strippedOf(headers);
  try {
    const code = oneValue(headers, REFUSAL_HEADER);
    if (code !== undefined && isVerificationCode(code)) return refusalOf(code, request, forClient);
    const statement = oneValue(headers, USAGE_HEADER);
    if (statement !== undefined) {
      return { outcome: "ok", headers: forClient, usage: await believed(statement, request, known, atMs) };
    }
    if (!isMetered(request)) return { outcome: "ok", headers: forClient };
    return { outcome: "missing", reason: `the response of ${request.routeId} says no usage`, headers: forClient };
  } catch (error) {
    if (!(error instanceof SettleFault)) throw error;
    return { outcome: error.outcome, reason: error.message, headers: forClient };
  }
}

function isMetered({ meters }: SignedUsage): boolean {
  return meters !== undefined && meters.length > 0;
}

function refusalOf<H>(code: string, { isAgain = false }: SignedUsage, headers: H): Settlement<H> {
  const again = !isAgain && WORTH_ANOTHER.includes(code) ? { signAnew: true as const } : {};
  return { outcome: "refused", reason: `the origin refused the request: ${code}`, headers, status: 502, ...again };
}

/** @throws SettleFault */
async function believed(
  statement: string,
  request: SignedUsage,
  known: KnownTokens,
  atMs: number,
): Promise<SettledUsage> {
  const compact = parseStatement(statement, malformed);
  const signer = await known.get(compact.keyId).catch((error: unknown) => {
    if (error instanceof AccessTokenError) throw refused(`the usage is of the token ${compact.keyId}: ${error.reason}`);
    throw error;
  });
  const { token } = signer;
  if (!(await signer.hasSigned(compact))) throw refused(`the usage is not signed by the token ${compact.keyId}`);
  const claims = parseUsageClaims(compact, malformed);
  requireToken(token, request, atMs);
  requireRequest(claims, request, known.snapshot.vault, atMs);
  requireMeters(claims.usage, token, request);
  const { usage, context, credits, pending } = claims;
  return {
    token: token.id,
    usage,
    ...(context === undefined ? {} : { context }),
    ...(credits === undefined ? {} : { credits }),
    ...(pending === undefined ? {} : { pending }),
  };
}

function requireToken({ id, capabilities, backend, not_after }: VerifiableToken, request: SignedUsage, atMs: number) {
  if (not_after !== undefined && atMs >= Date.parse(not_after)) throw refused(`the token ${id} has expired`);
  if (!capabilities.includes("metering")) throw refused(`the token ${id} lacks the capability metering`);
  if (backend === undefined || backend === request.backend) return;
  throw refused(`the token ${id} is of the backend ${backend}, and the route's is ${request.backend}`);
}

function requireRequest(claims: UsageClaims, request: SignedUsage, vault: string, atMs: number): void {
  if (claims.iss !== `vsync:${vault}`) throw refused("the usage belongs to another vault");
  if (request.isSettled) throw refused("the request has been settled");
  if (claims.request_id !== request.id) throw refused("the usage is for another request");
  if (claims.route_id !== request.routeId) throw refused("the usage is for another route");
  const saidMs = claims.iat * 1000;
  if (saidMs > atMs + MAX_AHEAD_MS) throw refused("the usage was signed in the future");
  if (saidMs < request.signedAtMs - MAX_AHEAD_MS) throw refused("the usage is older than the request");
}

function requireMeters(usage: UsageMap, { id, meters: own }: VerifiableToken, request: SignedUsage): void {
  const { meters = [], maxPerRequest } = request;
  for (const [meter, amount] of Object.entries(usage)) {
    if (!meters.includes(meter)) throw refused(`the route ${request.routeId} does not have the meter ${meter}`);
    if (own?.includes(meter) === false) throw refused(`the token ${id} does not have the meter ${meter}`);
    const most = maxPerRequest?.[meter];
    if (most !== undefined && amount > most) throw refused(`${meter} is ${amount}, but one request may use ${most}`);
  }
}

/**
 * An ETag may contain a comma, but these two headers never do.
 *
 * @throws SettleFault malformed: it came twice
 */
function oneValue(headers: ResponseHeaders, name: string): string | undefined {
  const [value, ...others] = valuesOf(headers, name);
  if (others.length === 0 && !value?.includes(",")) return value;
  throw new SettleFault("malformed", `${name} came more than once`);
}

function valuesOf(headers: ResponseHeaders, name: string): readonly string[] {
  if (headers instanceof Headers) return [headers.get(name)].filter((value) => value !== null);
  const entries = Object.entries(headers);
  return entries.flatMap(([key, value]) => (isNamed(key, name) && value !== undefined ? value : []));
}

/** Some servers turn `_` into `-`. */
function isNamed(key: string, name: string): boolean {
  return key.toLowerCase().replaceAll("_", "-") === name;
}

function strippedOf<H extends ResponseHeaders>(headers: H): H {
  const isOurs = (key: string) => /^(?:x[-_])?vsync[-_]/i.test(key);
  if (!(headers instanceof Headers)) {
    return Object.fromEntries(Object.entries(headers).filter(([key]) => !isOurs(key))) as H;
  }
  const stripped = new Headers(headers);
  for (const key of headers.keys()) if (isOurs(key)) stripped.delete(key);
  return stripped as H;
}
