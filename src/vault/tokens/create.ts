import type { JsonObject, JsonValue } from "../../canonical-json.ts";
import { encodeBase64 } from "../../crypto/base64.ts";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { type Claims, checkClaims } from "../../tokens/claims.ts";
import {
  type Credential,
  credentialOf,
  deriveCredentialKeys,
  encodeCredential,
  lastFourOf,
} from "../../tokens/credential.ts";
import { SEED_BYTES } from "../../tokens/credential-form.ts";
import type { CommitPorts } from "../commit/commit.ts";
import type { Annotation } from "../commit/draft.ts";
import { mayGatewaySign } from "../commit/gateway-keys.ts";
import type { AmendRequest, Proposal } from "../commit/proposal.ts";
import { liveIn, type Roll, type TokenRecord } from "../format/tokens/roll.ts";
import { type Amended, proposeRollChange, type RollBase } from "./amend-roll.ts";
import { requireInSettings } from "./settings.ts";
import { newestOf, replacedBy, type TokenSummary } from "./summary.ts";

/** The claims of a token to be created. `checkClaims` says what is allowed. */
export type GivenClaims = Omit<Claims, "id" | "created_at">;

export interface TokenCreateRequest extends AmendRequest {
  readonly claims: GivenClaims;
  /** Writes nothing if a live token has the same name and claims. */
  readonly ifAbsent?: boolean | undefined;
}

export interface TokenCreatePlan {
  /** The token that the commit creates, or with `ifAbsent` the existing one. */
  readonly token: TokenSummary;
  /** `vsrt_…`, which the vault cannot give again; null if the token exists already. The caller zeroes it. */
  readonly credential: Secret | null;
  /** All names of the vault. */
  readonly names: readonly string[];
  /** The newest generation now. */
  readonly gen: number;
}

/**
 * Proposes a new token. Build its `VSYNC_CONFIG` from the manifest in the steps `bundle-created` and `done`, whose
 * `certs` name the anchor to pin: for the very first token it may be another operator's.
 *
 * @throws GrantInvalidError the claims are not allowed
 * @throws InputError a live token has the name
 * @throws what opening and committing throw
 */
export async function proposeTokenCreate(
  ports: CommitPorts,
  request: TokenCreateRequest,
): Promise<Proposal<TokenCreatePlan>> {
  const drawn = await drawToken(ports, request.claims.kind);
  return proposeRollChange(ports, request, {
    change: (base) => creating(base, request, drawn),
    isDone: ({ tokens }) => tokens.some(({ claims }) => claims.id === drawn.id),
  });
}

async function creating(
  base: RollBase,
  { claims: given, ifAbsent, annotation }: TokenCreateRequest,
  drawn: DrawnToken,
): Promise<Amended<TokenCreatePlan>> {
  const { roll, manifest, nowMs } = base;
  const claims = checkClaims({ ...given, id: drawn.id, created_at: new Date(nowMs).toISOString() });
  requireInSettings(roll, claims);
  const common = { names: base.items.map(({ name }) => name), gen: manifest.gen };
  const namesake = namesakeOf(roll, claims, nowMs);
  if (namesake !== undefined) {
    if (!ifAbsent || !isSame(namesake.claims, claims)) throw nameTaken(namesake);
    return { plan: { ...common, token: await base.summarize(namesake), credential: null }, amendment: null };
  }
  const record = recordOf(claims, drawn, annotation);
  const meta = rowMeta("token-create", record);
  const tokens = { roll: { ...roll, tokens: [...roll.tokens, record] } };
  return {
    plan: { ...common, token: await base.summarize(record), credential: drawn.text },
    amendment: { action: "token-create", meta, tokens },
  };
}

/**
 * The `meta` of a row that creates or changes a token. Once the roll has dropped the token, this is how usage that it
 * reported is still judged: by its rights and its end.
 */
export function rowMeta(event: "token-create" | "token-update", { claims, last_four }: TokenRecord): JsonObject {
  const { id, capabilities, not_after } = claims;
  const gateway = mayGatewaySign(claims) ? { gateway: true } : {};
  return { event, token: id, last_four, capabilities, ...gateway, ...(not_after === undefined ? {} : { not_after }) };
}

function namesakeOf(roll: Roll, { name }: Claims, nowMs: number): TokenRecord | undefined {
  if (name === undefined) return undefined;
  return newestOf(
    liveIn(roll, nowMs).filter(({ claims }) => claims.name === name),
    roll,
  )[0];
}

/**
 * People tell live tokens apart by name. Only a token and its replacement share one, during an overlap.
 *
 * @throws InputError another live token has the name
 */
export function requireFreeName(roll: Roll, record: TokenRecord, nowMs: number): void {
  const { claims } = record;
  const older = replacedBy(record, roll);
  const isOther = (it: TokenRecord) =>
    !older.includes(it) && ![it, ...replacedBy(it, roll)].some(({ claims: { id } }) => id === claims.id);
  const namesake = namesakeOf({ ...roll, tokens: roll.tokens.filter(isOther) }, claims, nowMs);
  if (namesake !== undefined) throw nameTaken(namesake);
}

function nameTaken({ claims, last_four }: TokenRecord): InputError {
  return new InputError(`the token ${JSON.stringify(claims.name)} exists already (${claims.id}, \u2026${last_four})`, {
    hint: "give another --name, or change that token with `vsync tokens update`",
  });
}

/**
 * Ignores what two tokens never share, and the order of lists that are sets. An expiry counts from the creation,
 * because the date itself differs with every run.
 */
function isSame(one: Claims, other: Claims): boolean {
  const shared = ({ id: _id, created_at: _at, not_after, ...claims }: Claims) =>
    JSON.stringify([inAnyOrder(claims), not_after === undefined]);
  return shared(one) === shared(other);
}

function inAnyOrder(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const texts = value.map((it: JsonValue) => JSON.stringify(inAnyOrder(it)));
    return texts.toSorted();
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, inAnyOrder(it)]));
}

/** A freshly drawn credential, and what the vault keeps of it. */
export interface DrawnToken {
  readonly id: string;
  readonly lastFour: string;
  /** The public keys in base64. */
  readonly recipient: string;
  readonly signing: string;
  /** `vsrt_…` */
  readonly text: Secret;
}

export async function drawToken({ random }: CommitPorts, kind: Claims["kind"]): Promise<DrawnToken> {
  using credential: Credential = credentialOf(kind, Secret.ofBytes(random.bytes(SEED_BYTES)));
  using keys = await deriveCredentialKeys(credential);
  return {
    id: keys.id,
    lastFour: lastFourOf(credential),
    recipient: encodeBase64(keys.recipient),
    signing: encodeBase64(keys.signing),
    text: encodeCredential(credential),
  };
}

export function recordOf(
  claims: Claims,
  { lastFour, recipient, signing }: DrawnToken,
  { actor }: Annotation,
): TokenRecord {
  return { claims, last_four: lastFour, recipient, signing, created_by: actor };
}
