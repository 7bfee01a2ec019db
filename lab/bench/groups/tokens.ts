import { Secret } from "../../../src/crypto/secret.ts";
import { checkClaims } from "../../../src/tokens/claims.ts";
import { proposeAmendment } from "../../../src/vault/commit/proposal.ts";
import { parseManifest } from "../../../src/vault/format/manifest.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import type { TokenRecord } from "../../../src/vault/format/tokens/roll.ts";
import { drawToken, recordOf } from "../../../src/vault/tokens/create.ts";
import { PassphraseHolder } from "../../../src/vault/unlock/passphrase-holder.ts";
import { ACTOR, OLD, World as Vault } from "../../../test/support/world.ts";
import { inRounds } from "../interleave.ts";
import type { Row } from "../results.ts";
import { seriesOf } from "../series.ts";
import type { World } from "../world.ts";

const COMMIT_WITH_TOKENS = "commit with tokens";
const SECRETS = 500;
const DISTINCT_SETS = 10;
const EACH = 20;

/** `set` on a vault of 500 secrets in memory, with tokens of 10 distinct sets of 20 secrets each. No key derivation. */
export async function measureTokens({ scale }: World): Promise<readonly Row[]> {
  const secrets = Object.fromEntries(Array.from({ length: SECRETS }, (_, at) => [nameOf(at), `value ${at}`]));
  const vaults: { readonly vault: Vault; readonly tokens: number }[] = [];
  for (const tokens of scale.tokens) vaults.push({ vault: await withTokens(secrets, tokens), tokens });
  const times = await inRounds(vaults, scale.tokenRounds, async ({ vault }, round) => {
    const startMs = performance.now();
    await vault.set({ [nameOf(0)]: `round ${round}` });
    return performance.now() - startMs;
  });
  return vaults.map(({ vault, tokens }, at) => {
    const head = { group: COMMIT_WITH_TOKENS, name: "set", program: "library", secrets: SECRETS, tokens };
    return { ...head, wallMs: seriesOf(times[at] ?? []), ...sizesOf(vault) };
  });
}

/** The names of one set start alike. */
function nameOf(at: number): string {
  return `SET_${Math.floor(at / EACH)}_NAME_${at}`;
}

/** Made in one commit: by `tokens create` they would take as many commits. */
async function withTokens(secrets: Readonly<Record<string, string>>, tokens: number): Promise<Vault> {
  const vault = await Vault.pushed(secrets);
  if (tokens === 0) return vault;
  const records = await Promise.all(Array.from({ length: tokens }, (_, at) => recordAt(vault, at)));
  using holder = new PassphraseHolder(Secret.ofText(OLD));
  const request = { holder, expect: { env: "prod" }, annotation: { actor: ACTOR } };
  using proposal = await proposeAmendment(vault, request, () => {
    return { plan: null, amendment: { action: "token-create", tokens: { roll: { tokens: records } } } };
  });
  await proposal.commit();
  return vault;
}

async function recordAt(vault: Vault, at: number): Promise<TokenRecord> {
  const drawn = await drawToken(vault, "live");
  const name = { regex: `^SET_${at % DISTINCT_SETS}_` };
  const claims = checkClaims({
    id: drawn.id,
    kind: "live",
    name: `app-${at}`,
    capabilities: [],
    grants: [{ scopes: { secrets: { read: { filters: { name } } } } }],
    created_at: new Date(vault.clock.ms).toISOString(),
  });
  return recordOf(claims, drawn, { actor: ACTOR });
}

function sizesOf(vault: Vault): Pick<Row, "headerBytes" | "manifestBytes"> {
  const manifest = vault.bytes(MANIFEST_KEY);
  const bundle = vault.bytes(parseManifest(manifest).manifest.bundle.key);
  return { headerBytes: bundle.indexOf(0x0a), manifestBytes: manifest.length };
}
