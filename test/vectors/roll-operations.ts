import { generateSigningKey, signingKeyOfSeed } from "../../src/crypto/signing.ts";
import type { GrantedFrom } from "../../src/tokens/grants/granted-items.ts";
import { openWithRoll } from "../../src/vault/commit/open-for-commit.ts";
import { planTokens } from "../../src/vault/commit/plan-tokens.ts";
import type { AuditRow } from "../../src/vault/format/audit-row.ts";
import { signCert, withAnchor } from "../../src/vault/format/tokens/anchors.ts";
import type { Roll } from "../../src/vault/format/tokens/roll.ts";
import { verifyListOf } from "../../src/vault/format/tokens/verify-list.ts";
import { openWithKeys } from "../../src/vault/open/open.ts";
import { openVerifyList } from "../../src/vault/open/open-boxes.ts";
import { plantedTokens } from "../../src/vault/tokens/planted.ts";
import { mayNotVerify } from "../../src/vault/tokens/read.ts";
import { bytesOf } from "./bytes.ts";
import { type OpenInput, setUp } from "./vault-operations.ts";
import type { Run, VectorBytes } from "./vector.ts";

export const ROLL_OPERATIONS = {
  async makeCert({ input }: Run<{ anchorKey: VectorBytes; vault: string; signer: string; notAfter?: string }>) {
    return { cert: signCert(signingKeyOfSeed(bytesOf(input.anchorKey)), input, input.notAfter) };
  },

  async planAnchors({ input }: Run<AnchorsInput>) {
    const anchors = input.anchors.map((key) => signingKeyOfSeed(bytesOf(key)));
    const drawn = input.drawn === undefined ? generateSigningKey() : signingKeyOfSeed(bytesOf(input.drawn));
    const next = { leaked: () => withAnchor(anchors, drawn), finish: () => anchors.slice(-1), none: () => anchors };
    return { certs: next[input.event ?? "none"]().map((anchor) => signCert(anchor, input)) };
  },

  async readRoll(run: Run<OpenInput>) {
    const { ports, request } = await setUp(run);
    return { roll: (await openWithRoll(ports, request)).roll };
  },

  async readVerify(run: Run<OpenInput>) {
    const { ports, request } = await setUp(run);
    const { bundle } = await openWithKeys(ports, request);
    using keys = bundle.keys;
    const verifyKey = keys.verifyKey();
    if (verifyKey === null) throw mayNotVerify();
    return { verify: openVerifyList(bundle.header, verifyKey) };
  },

  async planCommit({ input }: Run<PlanInput>) {
    const atMs = Date.parse(input.at);
    const plan = await planTokens(input.roll, input, { atMs, otherSlots: input.passphrases ?? 1 });
    const idOf = ({ record }: { record: Roll["tokens"][number] }) => record.claims.id;
    return {
      live: plan.live.map(idOf),
      tombstones: plan.tombstones,
      views: plan.views.map(({ items, slots }) => ({ items, tokens: slots.map(idOf) })),
      verify: verifyListOf(plan.roll, atMs),
      kept: plan.roll.tokens.map(({ claims }) => claims.id),
    };
  },

  async plantedTokens({ input }: Run<{ roll: Roll; at: string; rows: readonly AuditRow[] }>) {
    return { planted: plantedTokens(input.roll, Date.parse(input.at), input.rows) };
  },
};

interface AnchorsInput {
  readonly anchors: readonly VectorBytes[];
  readonly event?: "leaked" | "finish";
  readonly drawn?: VectorBytes;
  readonly vault: string;
  readonly signer: string;
}

interface PlanInput extends GrantedFrom {
  readonly roll: Roll;
  readonly at: string;
  readonly passphrases?: number;
}
