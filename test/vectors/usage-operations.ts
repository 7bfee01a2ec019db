import type { JsonObject, Refuse } from "../../src/canonical-json.ts";
import { signEd25519, signingKeyOfSeed, verifyEd25519 } from "../../src/crypto/signing.ts";
import { BundleCorruptError, NotAuthenticError } from "../../src/errors.ts";
import { openBatch, verifyBatch } from "../../src/usage/batch.ts";
import { openOperatorObject, type UsageKeyPair } from "../../src/usage/operator-object.ts";
import { parseStatement, parseUsageClaims, signStatement, type UsageClaims } from "../../src/usage/statement.ts";
import { parseDay, parseMonth, parseVoid } from "../../src/vault/usage/content.ts";
import { bytesOf } from "./bytes.ts";
import type { Run, VectorBytes } from "./vector.ts";

const refuse = (fault: string) => new NotAuthenticError(`it ${fault}`);
const corrupt = (fault: string) => new BundleCorruptError(`it ${fault}`);
const PARSERS: Readonly<Record<string, (content: JsonObject, refuse: Refuse) => unknown>> = {
  months: parseMonth,
  days: parseDay,
  voids: parseVoid,
};

interface ObjectInput {
  readonly vault: string;
  readonly key: string;
  readonly object: VectorBytes;
  readonly usageKeys: readonly UsageKeyPair[];
}

export const USAGE_OPERATIONS = {
  async signUsage({ input }: Run<{ vault: string; kid: string; signingKey: VectorBytes; claims: UsageClaims }>) {
    const key = signingKeyOfSeed(bytesOf(input.signingKey));
    const sign = (message: Uint8Array) => signEd25519(key, message);
    return { jwt: signStatement({ vault: input.vault, id: input.kid, sign }, input.claims) };
  },

  async readUsage({ input }: Run<{ jwt: string; signing: VectorBytes }>) {
    const compact = parseStatement(input.jwt, refuse);
    if (!verifyEd25519(bytesOf(input.signing), Buffer.from(compact.signed), compact.signature)) {
      throw refuse("is not signed by this key");
    }
    return { claims: parseUsageClaims(compact, refuse) };
  },

  async openUsageBatch({ input }: Run<{ vault: string; key: string; batch: VectorBytes; usageKey: VectorBytes }>) {
    const batch = verifyBatch(input.vault, input.key, bytesOf(input.batch), refuse);
    const events = await openBatch(input.vault, batch, bytesOf(input.usageKey), refuse);
    return { header: batch.header, events: events.map(({ event }) => event) };
  },

  async openUsageObject({ input }: Run<ObjectInput>) {
    const { vault, key, object, usageKeys: keys } = input;
    const { written, content } = await openOperatorObject({ vault, keys }, key, bytesOf(object), corrupt);
    PARSERS[key.split("/")[1] ?? ""]?.(content, corrupt);
    return { ...written, content };
  },
};
