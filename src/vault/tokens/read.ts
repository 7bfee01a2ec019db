import type { JsonObject } from "../../canonical-json.ts";
import { ConfigInvalidError } from "../../errors.ts";
import type { TokenSnapshot } from "../../tokens/snapshot.ts";
import { openWithRoll } from "../commit/open-for-commit.ts";
import type { ItemKind } from "../format/item.ts";
import type { Manifest } from "../format/manifest.ts";
import { tokenSlotIds, tombstonesIn } from "../format/tokens/slot.ts";
import { openWithKeys } from "../open/open.ts";
import { openVerifyList } from "../open/open-boxes.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";
import type { BundleKeys } from "../unlock/bundle-keys.ts";
import { findRecord, summarizing, type TokenSummary } from "./summary.ts";

export interface ReadTokens {
  readonly manifest: Manifest;
  /** Every token in the roll, in the order of creation; with `only`, just that one. */
  readonly tokens: readonly TokenSummary[];
  readonly settings: JsonObject | null;
  /** The vault's items, in its order. */
  readonly items: readonly { readonly name: string; readonly kind: ItemKind }[];
}

export interface ReadTokensRequest extends OpenRequest {
  /** One token, as `findRecord` takes it. */
  readonly only?: string;
}

/**
 * Reads the vault's tokens. Their secrets are known only to their holders.
 *
 * @throws InputError the holder only reads, because only operators can open the roll; or `only` matches no token, or
 * several
 * @throws what opening throws
 */
export async function readTokens(ports: ReadPorts, { only, ...request }: ReadTokensRequest): Promise<ReadTokens> {
  using opened = await openWithRoll(ports, request);
  const { vault, roll } = opened;
  const { manifest, bundle } = vault;
  const nowMs = ports.clock.nowMs();
  const items = bundle.items.map(({ name, kind }) => ({ name, kind }));
  const base = { repo: manifest.repo, env: manifest.env, items, nowMs, sealed: tokenSlotIds(bundle.header) };
  const records = only === undefined ? roll.tokens : [findRecord(roll, only, nowMs)];
  const tokens = await Promise.all(records.map(summarizing(base)));
  return { manifest, tokens, settings: roll.settings ?? null, items };
}

/** The holder's token lacks the permission `api.tokens.verify`. */
export function mayNotVerify(): ConfigInvalidError {
  return new ConfigInvalidError("this token may not verify others", {
    hint: "create one for this service, with `vsync tokens create --no-secrets --permissions=api.tokens.verify`",
  });
}

/**
 * Reads what a vault tells the holder of a scoped token besides the secrets, which are zeroed.
 *
 * @throws what opening throws
 */
export async function readTokenSnapshot(ports: ReadPorts, request: OpenRequest): Promise<TokenSnapshot> {
  const { manifest, bundle } = await openWithKeys(ports, request);
  using keys = bundle.keys;
  for (const { data } of bundle.items) data.destroy();
  const verifyKey = keys.verifyKey();
  const { vault, gen } = manifest;
  const ended = tombstonesIn(bundle.header).map(({ id }) => id);
  const verify = verifyKey === null ? null : { vault, gen, verify: openVerifyList(bundle.header, verifyKey), ended };
  return { ...snapshotOf(manifest, keys), verify };
}

/** The part of a snapshot that comes from the slot. Its private keys are copies. */
export function snapshotOf({ vault, gen }: Manifest, { token }: BundleKeys): TokenSnapshot {
  if (token === null) throw new TypeError("a passphrase has no token");
  const signers = token.signers.map(({ kid, seed }) => ({ kid, privateKey: Uint8Array.from(seed.expose()) }));
  return { vault, gen, ...token, signers, verify: null };
}
