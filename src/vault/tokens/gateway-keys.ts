import { seedOf } from "../../crypto/signing.ts";
import { InputError } from "../../errors.ts";
import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import { backendSettingsIn } from "../../tokens/backends/settings.ts";
import { GATEWAY_SIGN } from "../../tokens/permissions.ts";
import type { TokenSnapshot } from "../../tokens/snapshot.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { endingKeys, ownGatewayKeys, rotatedKey } from "../commit/gateway-keys.ts";
import { openForCommit, openWithRoll } from "../commit/open-for-commit.ts";
import { type AmendRequest, type Proposal, proposeAmendment } from "../commit/proposal.ts";
import type { Manifest } from "../format/manifest.ts";
import { liveIn, type Roll } from "../format/tokens/roll.ts";
import { tombstonesIn } from "../format/tokens/slot.ts";
import { verifyListOf } from "../format/tokens/verify-list.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";

const META = { event: "gateway-keys" };
const ACTION = "gateway-keys";

/** A gateway key as operators see it, without its private half. */
export interface GatewayKeySummary {
  readonly key: GatewayKey;
  /** The names of the live tokens that sign with it, or their ids. */
  readonly gateways: readonly string[];
}

export interface GatewayKeysPlan {
  /** The new key; null after a revocation. */
  readonly made: GatewayKeySummary | null;
  /** The keys that end, each at its `not_after`. */
  readonly ending: readonly GatewayKeySummary[];
  /** How many live tokens verify requests. */
  readonly origins: number;
  readonly gen: number;
}

export interface GatewayKeysRotateRequest extends AmendRequest {
  /** How long the replaced keys still verify. */
  readonly overlapMs: number;
  /** Limits the key to these backends; it replaces the keys for the same ones. */
  readonly backends?: readonly string[] | undefined;
}

/**
 * Proposes a new key. Gateways start to sign with it 120 s later.
 *
 * @throws InputError a backend that is missing from the settings
 * @throws what opening and committing throw
 */
export async function proposeGatewayKeysRotate(
  ports: CommitPorts,
  { overlapMs, backends, ...request }: GatewayKeysRotateRequest,
): Promise<Proposal<GatewayKeysPlan>> {
  return proposeAmendment(ports, request, ({ manifest }, tokens) => {
    requireBackends(tokens.roll, backends);
    const atMs = ports.clock.nowMs();
    const rotated = rotatedKey(tokens, { random: ports.random, atMs, overlapMs, backends });
    const summary = summaryIn(rotated.tokens.roll, atMs);
    const plan = {
      made: summary(rotated.key),
      ending: endingKeys(tokens.roll, rotated.tokens.roll).map(summary),
      origins: originsIn(tokens.roll, atMs),
      gen: manifest.gen,
    };
    return { plan, amendment: { action: ACTION, meta: META, tokens: rotated.tokens } };
  });
}

/**
 * Proposes to end a key at once: origins refuse what it signs as soon as they have read the vault again.
 *
 * @throws InputError an unknown key
 * @throws what opening and committing throw
 */
export async function proposeGatewayKeyRevoke(
  ports: CommitPorts,
  { kid, ...request }: AmendRequest & { readonly kid: string },
): Promise<Proposal<GatewayKeysPlan>> {
  return proposeAmendment(ports, request, ({ manifest }, { roll }) => {
    const atMs = ports.clock.nowMs();
    const { gateway_keys = [] } = roll;
    const key = gateway_keys.find((it) => it.kid === kid);
    if (key === undefined) throw noSuchKey(kid, gateway_keys);
    const plan = {
      made: null,
      ending: [summaryIn(roll, atMs)(key)],
      origins: originsIn(roll, atMs),
      gen: manifest.gen,
    };
    // The commit drops the private half with the key.
    const tokens = { roll: { ...roll, gateway_keys: gateway_keys.filter((it) => it !== key) } };
    return { plan, amendment: { action: ACTION, meta: META, tokens } };
  });
}

export interface ReadGatewayKeys {
  readonly manifest: Manifest;
  readonly keys: readonly GatewayKeySummary[];
}

/**
 * @throws InputError the holder only reads
 * @throws what opening throws
 */
export async function readGatewayKeys(ports: ReadPorts, request: OpenRequest): Promise<ReadGatewayKeys> {
  using opened = await openWithRoll(ports, request);
  const { vault, roll } = opened;
  return { manifest: vault.manifest, keys: (roll.gateway_keys ?? []).map(summaryIn(roll, ports.clock.nowMs())) };
}

/**
 * What a gateway that signs for every backend would get, for an operator who plays one in a test.
 *
 * @throws InputError the holder only reads, or the vault has no key for all backends
 * @throws what opening and `openTokens` throw
 */
export async function readOperatorSnapshot(ports: ReadPorts, request: OpenRequest): Promise<TokenSnapshot> {
  using opened = await openForCommit(ports, request);
  const { vault: opening, tokens } = opened;
  const { vault, gen, at } = opening.manifest;
  const claims = {
    id: `tok_${"0".repeat(32)}`,
    kind: "test",
    capabilities: [],
    permissions: [GATEWAY_SIGN],
    created_at: at,
  } as const;
  const gatewayKeys = tokens.roll.gateway_keys ?? [];
  const own = new Set(ownGatewayKeys(gatewayKeys, claims).map(({ kid }) => kid));
  const signers = [...tokens.gatewaySigners].filter(([kid]) => own.has(kid));
  if (signers.length === 0)
    throw new InputError("the vault has no gateway key", { hint: "make one with `vsync gateway-keys rotate`" });
  const verify = verifyListOf(tokens.roll, ports.clock.nowMs());
  const ended = tombstonesIn(opening.bundle.header).map(({ id }) => id);
  return {
    vault,
    gen,
    claims,
    gatewayKeys,
    signers: signers.map(([kid, key]) => ({ kid, privateKey: seedOf(key) })),
    settings: backendSettingsIn(tokens.roll.settings),
    verify: { vault, gen, verify, ended },
  };
}

function summaryIn(roll: Roll, atMs: number): (key: GatewayKey) => GatewayKeySummary {
  const live = liveIn(roll, atMs);
  return (key) => {
    const gateways = live.filter(({ claims }) => ownGatewayKeys([key], claims).length > 0);
    return { key, gateways: gateways.map(({ claims: { name, id } }) => name ?? id) };
  };
}

function originsIn(roll: Roll, atMs: number): number {
  return liveIn(roll, atMs).filter(({ claims }) => claims.capabilities.includes("gateway_verification")).length;
}

function requireBackends({ settings }: Roll, backends: readonly string[] | undefined): void {
  const known = backendSettingsIn(settings)?.backends ?? [];
  const unknown = backends?.find((id) => !known.some((it) => it.id === id));
  if (unknown === undefined) return;
  throw new InputError(`the vault's settings have no backend ${JSON.stringify(unknown)}`, {
    hint: "`vsync settings --show` shows them",
  });
}

function noSuchKey(kid: string, keys: readonly GatewayKey[]): InputError {
  const known = keys.map((key) => key.kid).join(", ");
  return new InputError(`no gateway key ${JSON.stringify(kid)}`, {
    hint: known === "" ? "the vault has none: `vsync gateway-keys rotate` makes one" : `it is one of ${known}`,
  });
}
