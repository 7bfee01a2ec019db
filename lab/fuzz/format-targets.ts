import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { readGzipMember, writeGzipMember } from "../../src/blob/gzip-member.ts";
import {
  decodeToken,
  encodeToken,
  MAX_TOKEN_BYTES,
  type RuntimeToken,
  TOKEN_ENVELOPE,
  tokenJson,
} from "../../src/blob/token.ts";
import { parseCanonicalJson } from "../../src/canonical-json.ts";
import { decodeBase64, encodeBase64 } from "../../src/crypto/base64.ts";
import { sealBox } from "../../src/crypto/box.ts";
import { parseNote, signNote } from "../../src/crypto/note.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { deriveIndexKey } from "../../src/crypto/subkeys.ts";
import {
  AuditBrokenError,
  BundleCorruptError,
  ConfigInvalidError,
  ConfigMissingError,
  ConfigUnsupportedVersionError,
  NotAuthenticError,
  UnsupportedSpecVersionError,
} from "../../src/errors.ts";
import { parseAuditRow } from "../../src/vault/format/audit-row.ts";
import { aadOf, type BundleHeader, parseBundle } from "../../src/vault/format/bundle-header.ts";
import { parseManifest } from "../../src/vault/format/manifest.ts";
import { auditKey, formatTs, generationOfAuditKey, MANIFEST_KEY, parseTs } from "../../src/vault/format/object-keys.ts";
import type { OpenedVault } from "../../src/vault/open/open.ts";
import { openBundle } from "../../src/vault/open/open-bundle.ts";
import { HOUR_MS, NEW, OLD, rootKeyOf, secretItems, World } from "../../test/support/world.ts";
import { bytesOf, checkRefusal, readOrRefused, type Target, textOf } from "./target.ts";

const TOKEN: RuntimeToken = {
  v: 1,
  endpoint: "https://s3.example.com",
  region: "eu-central-1",
  bucket: "acme",
  accessKeyId: "AKIA",
  secretAccessKey: "secret/key+",
  prefix: "api/prod/",
  env: "prod",
  salt: "AAECAwQFBgcICQoLDA0ODw==",
  iterations: 3,
  kdf: "argon2id",
  memoryKiB: 65536,
  parallelism: 4,
  vault: "AAECAwQFBgcICQoLDA0ODw",
  minGen: 7,
};
const { accessKeyId: _, secretAccessKey: __, ...KEYLESS } = TOKEN;
const AMBIENT: RuntimeToken = { ...KEYLESS, credentials: "ambient" };
const TOKEN_REFUSALS = [ConfigInvalidError, ConfigMissingError, ConfigUnsupportedVersionError];

function takesToken(text: string): boolean {
  const read = readOrRefused(() => decodeToken(text), TOKEN_REFUSALS);
  if (read !== null) assert.deepEqual(decodeToken(encodeToken(read.value)), read.value);
  return read !== null;
}

const token: Target = {
  name: "token",
  seeds: [bytesOf(encodeToken(TOKEN)), bytesOf(encodeToken(AMBIENT)), bytesOf(TOKEN_ENVELOPE)],
  run: (bytes) => takesToken(textOf(bytes)),
};

const tokenFields: Target = {
  name: "token-fields",
  seeds: [TOKEN, AMBIENT].map((it) => bytesOf(tokenJson(it))),
  run: (bytes) => takesToken(TOKEN_ENVELOPE + gzipSync(bytes).toString("base64url")),
};

const gzipMember: Target = {
  name: "gzip-member",
  seeds: [writeGzipMember(bytesOf("{}")), gzipSync(Buffer.alloc(5000, "ab")), writeGzipMember(new Uint8Array())],
  run(bytes) {
    const read = readOrRefused(() => readGzipMember(bytes, MAX_TOKEN_BYTES), [RangeError]);
    if (read === null) return false;
    assert.ok(read.value.length <= MAX_TOKEN_BYTES);
    assert.deepEqual(Buffer.from(read.value), gunzipSync(bytes));
    return true;
  },
};

const canonicalJson: Target = {
  name: "canonical-json",
  seeds: ['{"a":[1,{"b":null}],"c":"\\u0007é"}', "[0,9007199254740991,true,false]", '"\\ud83d\\ude00"'].map(bytesOf),
  run(bytes) {
    const text = textOf(bytes);
    const refuse = (fault: string) => new NotAuthenticError(`it ${fault}`);
    const read = readOrRefused(() => parseCanonicalJson(text, refuse), [NotAuthenticError]);
    if (read !== null) assert.equal(JSON.stringify(read.value), text);
    return read !== null;
  },
};

const note: Target = {
  name: "note",
  seeds: [signNote("text\n", "vsync/abc", generateSigningKey()), signNote("a\n\nb\n", "n", generateSigningKey())],
  run(bytes) {
    const read = readOrRefused(() => parseNote(bytes, "it"), [NotAuthenticError]);
    if (read === null) return false;
    const { text, name, keyId, signature } = read.value;
    assert.deepEqual(
      bytesOf(`${text}\n\u2014 ${name} ${encodeBase64(Buffer.concat([keyId, signature]))}\n`),
      new Uint8Array(bytes),
    );
    return true;
  },
};

const base64: Target = {
  name: "base64",
  seeds: ["", "AA==", "AAEC", "_-8="].map(bytesOf),
  run(bytes) {
    const text = textOf(bytes);
    const decoded = decodeBase64(text);
    if (decoded !== null) assert.equal(encodeBase64(decoded), text);
    return decoded !== null;
  },
};

const keys: Target = {
  name: "keys",
  seeds: ["20260101T000000000Z", "99991231T235959999Z", "audit/000000000001"].map(bytesOf),
  run(bytes) {
    const text = textOf(bytes);
    const at = parseTs(text);
    if (at !== null) assert.equal(formatTs(at), text);
    const gen = generationOfAuditKey(text);
    if (gen !== null) assert.equal(auditKey(gen), text);
    return at !== null || gen !== null;
  },
};

/** A vault at generation 3, inside a grace window, with a note, meta, an empty secret and a file. */
async function vaultOfAllSorts(): Promise<{ world: World; vault: OpenedVault; manifests: Uint8Array[] }> {
  const world = await World.empty("fuzz");
  const file = {
    name: "conf/app.bin",
    kind: "file",
    mode: 0o640,
    data: Secret.ofBytes(Uint8Array.of(0, 255)),
  } as const;
  const annotation = { note: "über \u{1f511} \u2028", meta: { b: [1, { a: null }], a: true } };
  const manifests: Uint8Array[] = [];
  const keep = () => manifests.push(objectIn(world, MANIFEST_KEY));
  await world.push([...secretItems({ A: "1", EMPTY: "" }), file], annotation);
  keep();
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  keep();
  await world.set({ B: "2" }, { by: NEW });
  keep();
  return { world, vault: await world.open(NEW), manifests };
}

function objectIn(world: World, key: string): Uint8Array {
  return world.store.bucket.get(key)?.bytes ?? assert.fail(`no ${key}`);
}

const MANIFEST_REFUSALS = [NotAuthenticError, UnsupportedSpecVersionError];
const BUNDLE_REFUSALS = [BundleCorruptError, UnsupportedSpecVersionError];

function manifestTarget(manifests: readonly Uint8Array[]): Target {
  return {
    name: "manifest",
    seeds: manifests,
    run(bytes) {
      const read = readOrRefused(() => parseManifest(bytes), MANIFEST_REFUSALS);
      if (read === null) return false;
      const { note: signed } = read.value;
      assert.equal(`${JSON.stringify(JSON.parse(signed.text))}\n`, signed.text);
      const signature = encodeBase64(Buffer.concat([signed.keyId, signed.signature]));
      assert.deepEqual(bytesOf(`${signed.text}\n\u2014 ${signed.name} ${signature}\n`), new Uint8Array(bytes));
      return true;
    },
  };
}

function bundleTarget(world: World, { manifest }: OpenedVault): Target {
  return {
    name: "bundle",
    seeds: [objectIn(world, manifest.bundle.key)],
    run(bytes) {
      const read = readOrRefused(() => parseBundle(bytes, manifest.vault, manifest.gen), BUNDLE_REFUSALS);
      if (read === null) return false;
      const { header, boxes } = read.value;
      assert.deepEqual(Buffer.concat([bytesOf(`${JSON.stringify(header)}\n`), ...boxes]), Buffer.from(bytes));
      return true;
    },
  };
}

/** The index's text, correctly sealed. */
function indexTarget(world: World, vault: OpenedVault): Target {
  const bytes = objectIn(world, vault.manifest.bundle.key);
  const end = bytes.indexOf(0x0a);
  const header = JSON.parse(textOf(bytes.subarray(0, end))) as BundleHeader;
  const items = vault.bundle.items.map(({ data: _data, ...item }) => item);
  const key = deriveIndexKey(rootKeyOf(vault.bundle.keys).expose());
  return {
    name: "index",
    seeds: [bytesOf(JSON.stringify({ items }))],
    async run(index) {
      const box = sealBox(world.random, key, aadOf(header, "index"), index);
      const line = bytesOf(`${JSON.stringify({ ...header, index: encodeBase64(box) })}\n`);
      const altered = Buffer.concat([line, bytes.subarray(end + 1)]);
      try {
        const opened = await openBundle(altered, header, (it) => vault.unlocked.openSlot(it));
        const seen = opened.items.map(({ data: _data, ...item }) => item);
        assert.equal(JSON.stringify({ items: seen }), textOf(index));
        return true;
      } catch (error) {
        checkRefusal(error, BUNDLE_REFUSALS);
        return false;
      }
    },
  };
}

/** The row's text, correctly signed. */
function auditRowTarget(world: World, { manifest }: OpenedVault): Target {
  const key = generateSigningKey();
  const signer = encodeBase64(key.publicKey);
  const row = JSON.parse(parseNote(objectIn(world, auditKey(2)), "the row").text);
  return {
    name: "audit-row",
    seeds: [bytesOf(JSON.stringify({ ...row, signer }))],
    run(bytes) {
      const text = `${textOf(bytes)}\n`;
      const signed = signNote(text, `vsync/${manifest.vault}`, key);
      const expected = { vault: manifest.vault, gen: 2, signer };
      const read = readOrRefused(() => parseAuditRow(signed, expected), [AuditBrokenError]);
      if (read !== null) assert.equal(`${JSON.stringify(read.value.row)}\n`, text);
      return read !== null;
    },
  };
}

/** The parsers for tokens and for the objects of a store. */
export async function formatTargets(): Promise<readonly Target[]> {
  const { world, vault, manifests } = await vaultOfAllSorts();
  return [
    token,
    tokenFields,
    gzipMember,
    canonicalJson,
    base64,
    keys,
    note,
    manifestTarget(manifests),
    bundleTarget(world, vault),
    indexTarget(world, vault),
    auditRowTarget(world, vault),
  ];
}
