import { inflateRawSync } from "node:zlib";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { decodeToken, encodeToken } from "../../src/blob/token.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { openBox } from "../../src/crypto/box.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { keyIdOf, parseNote, verifyNote } from "../../src/crypto/note.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openSlot } from "../../src/crypto/slot.ts";
import {
  deriveIndexKey,
  deriveRootKey,
  deriveSigningBoxKey,
  type Endorsement,
  endorsementOf,
  itemKeysOf,
} from "../../src/crypto/subkeys.ts";
import { objectPath } from "../../src/directory/location.ts";
import { aadOf } from "../../src/vault/format/bundle-header.ts";
import { firstTsMs, formatTs } from "../../src/vault/format/object-keys.ts";
import { openSigningKey } from "../../src/vault/open/open-bundle.ts";
import { bytesOf, inFormOf } from "./bytes.ts";
import { GATEWAY_OPERATIONS } from "./gateway-operations.ts";
import { REQUEST_OPERATIONS } from "./request-operations.ts";
import { ROLL_OPERATIONS } from "./roll-operations.ts";
import { sealWith } from "./seal-with.ts";
import { TOKEN_OPERATIONS } from "./token-operations.ts";
import { USAGE_OPERATIONS } from "./usage-operations.ts";
import { VAULT_OPERATIONS } from "./vault-operations.ts";
import type { Run, VectorBytes } from "./vector.ts";

type Operation = (run: Run<never>) => Promise<unknown>;
type Expected = Readonly<Record<string, unknown>> | undefined;

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...VAULT_OPERATIONS,
  ...ROLL_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...GATEWAY_OPERATIONS,
  ...USAGE_OPERATIONS,
  ...REQUEST_OPERATIONS,

  async decodeToken({ input }: Run<{ token: string }>) {
    return { fields: decodeToken(input.token) };
  },

  async encodeToken({ input }: Run<{ fields: RuntimeToken }>) {
    const token = encodeToken(input.fields);
    const member = Buffer.from(token.slice("vsync-cfg-v1:".length), "base64url");
    return { json: inflateRawSync(member.subarray(10, -8)).toString(), startsWith: token.slice(0, 26) };
  },

  async deriveKey({ input, expected }: Run<DeriveInput>) {
    const out = expected as Expected;
    const cost = { ...input, salt: bytesOf(input.salt) };
    const key = await derivePassphraseKey(Secret.ofText(input.passphrase), cost);
    return {
      seed: inFormOf(key.seed.expose(), out?.["seed"]),
      mac: inFormOf(key.mac.expose(), out?.["mac"]),
      recipient: inFormOf(key.recipient, out?.["recipient"]),
    };
  },

  async deriveSubkeys({ input, expected }: Run<{ operatorKey: VectorBytes; itemId: string }>) {
    const out = expected as Expected;
    const operatorKey = bytesOf(input.operatorKey);
    const rootKey = deriveRootKey(operatorKey);
    return {
      rootKey: inFormOf(rootKey, out?.["rootKey"]),
      signingKey: inFormOf(deriveSigningBoxKey(operatorKey), out?.["signingKey"]),
      indexKey: inFormOf(deriveIndexKey(rootKey), out?.["indexKey"]),
      itemKey: inFormOf(itemKeysOf(rootKey)(input.itemId), out?.["itemKey"]),
    };
  },

  async endorse({ input }: Run<Endorsement & { mac: VectorBytes }>) {
    return { endorse: encodeBase64(endorsementOf(bytesOf(input.mac), input)) };
  },

  async openSlot({ input, expected }: Run<SlotInput>) {
    const sealed = { enc: bytesOf(input.enc), ct: bytesOf(input.ct) };
    const aad = aadOf(input, input.slot);
    const key = await openSlot(bytesOf(input.seed), aad, sealed, `slot ${input.slot}`);
    if (input.ephemeral !== undefined && input.recipient !== undefined) {
      const [ephemeral, recipient] = [bytesOf(input.ephemeral), bytesOf(input.recipient)];
      const again = sealWith(ephemeral, recipient, key, "vsync-slot-v1", aad);
      if (Buffer.compare(again.enc, sealed.enc) !== 0 || Buffer.compare(again.ct, sealed.ct) !== 0) {
        throw new TypeError("sealing does not give enc and ct");
      }
    }
    return { key: inFormOf(key, (expected as Expected)?.["key"]) };
  },

  async openBox({ input, expected }: Run<{ key: VectorBytes; aad: string; box: VectorBytes }>) {
    const plaintext = openBox(bytesOf(input.key), input.aad, bytesOf(input.box), "the box");
    return { plaintext: inFormOf(plaintext, (expected as Expected)?.["plaintext"]) };
  },

  async openSigningKey({ input, expected }: Run<SigningInput>) {
    const out = expected as Expected;
    const header = { vault: input.vault, gen: input.gen, signing: encodeBase64(bytesOf(input.signing)) };
    const key = openSigningKey(header, Secret.ofBytes(bytesOf(input.operatorKey)));
    return {
      pkcs8: inFormOf(key.exportPkcs8(), out?.["pkcs8"]),
      publicKey: inFormOf(key.publicKey, out?.["publicKey"]),
    };
  },

  async verifyNote({ input, expected }: Run<{ note: VectorBytes; name: string; publicKey: VectorBytes }>) {
    const out = expected as Expected;
    const publicKey = bytesOf(input.publicKey);
    const note = parseNote(bytesOf(input.note), "the note");
    verifyNote(note, input.name, publicKey, "the note");
    return {
      text: inFormOf(Buffer.from(note.text), out?.["text"]),
      keyId: inFormOf(keyIdOf(input.name, publicKey), out?.["keyId"]),
    };
  },

  async nextTs({ input }: Run<{ now: string; after: string | null; taken: readonly string[] }>) {
    let epochMs = firstTsMs(Date.parse(input.now), input.after);
    while (input.taken.includes(formatTs(epochMs))) epochMs++;
    return { ts: formatTs(epochMs) };
  },

  async fileStorePath({ input }: Run<{ endpoint: string; bucket: string; prefix: string; key: string }>) {
    return { path: objectPath(input, input.key) };
  },
};

interface DeriveInput {
  passphrase: string;
  salt: VectorBytes;
  iterations: number;
  memoryKiB: number;
  parallelism: number;
}

interface SlotInput {
  seed: VectorBytes;
  enc: VectorBytes;
  ct: VectorBytes;
  vault: string;
  gen: number;
  slot: string;
  ephemeral?: VectorBytes;
  recipient?: VectorBytes;
}

interface SigningInput {
  operatorKey: VectorBytes;
  vault: string;
  gen: number;
  signing: VectorBytes;
}
