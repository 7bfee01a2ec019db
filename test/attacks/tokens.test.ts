import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decodeBase64 } from "../../src/crypto/base64.ts";
import { openBox } from "../../src/crypto/box.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { hkdf } from "../../src/crypto/subkeys.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { deriveCredentialKeys, parseCredential } from "../../src/tokens/credential.ts";
import { commitGeneration } from "../../src/vault/commit/commit.ts";
import { baseOn } from "../../src/vault/commit/draft.ts";
import type { WritableVault } from "../../src/vault/commit/open-for-commit.ts";
import { aadOf, type BundleHeader, parseBundle } from "../../src/vault/format/bundle-header.ts";
import { AUDIT_PREFIX, auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { anchorOf, signCert } from "../../src/vault/format/tokens/anchors.ts";
import type { TokenRecord } from "../../src/vault/format/tokens/roll.ts";
import type { OpenedVault } from "../../src/vault/open/open.ts";
import { openWithKeys } from "../../src/vault/open/open.ts";
import { openAnchors, openRoll } from "../../src/vault/open/open-boxes.ts";
import type { GivenClaims } from "../../src/vault/tokens/create.ts";
import { examineTokens, verifyTokensToo } from "../../src/vault/tokens/planted.ts";
import { readTokenSnapshot } from "../../src/vault/tokens/read.ts";
import { CredentialHolder } from "../../src/vault/unlock/credential-holder.ts";
import {
  ACTOR,
  ENV,
  holderOf,
  type Machine,
  NEW,
  OLD,
  rejection,
  type Secrets,
  secretsOf,
  takeAll,
  World,
} from "../support/world.ts";
import { describeOnEveryStore } from "./ground.ts";

const SECRETS = { DATABASE_URL: "postgres://", REDIS_URL: "redis://", STRIPE_KEY: "sk_live" };
const REDIS: Partial<GivenClaims> = { grants: [{ scopes: { secrets: { read: { filters: { name: "REDIS_URL" } } } } }] };

let world: World;
/**
 * The store that the token holders read, with everything in the world's bucket, including what attacks have planted.
 */
let storeOf: (world: World) => Promise<ObjectStore>;

/** A machine that reads from that store. */
async function reader(): Promise<Machine> {
  return world.with({ store: await storeOf(world) });
}

interface Held {
  readonly id: string;
  readonly credential: Secret;
  readonly anchor: string | undefined;
}

async function create(claims: Partial<GivenClaims>): Promise<Held> {
  const { plan, committed } = await world.createToken(claims);
  if (plan.credential === null || committed === null) throw new TypeError("no token was created");
  return { id: plan.token.id, credential: plan.credential, anchor: anchorOf(committed.manifest) };
}

/** Uses the keys from the holder's slot. */
async function openHeld({ credential, anchor }: Held): Promise<OpenedVault> {
  const holder = new CredentialHolder(credential, anchor);
  return openWithKeys(await reader(), { holder, expect: { env: ENV } });
}

async function read(held: Held): Promise<Secrets> {
  return secretsOf((await openHeld(held)).bundle.items);
}

/** Every box of a bundle with its associated data, from the objects in the bucket. */
function boxesIn(bytes: Uint8Array): { readonly header: BundleHeader; readonly boxes: Map<string, Uint8Array> } {
  const { vault, gen } = JSON.parse(Buffer.from(bytes.subarray(0, bytes.indexOf(0x0a))).toString()) as BundleHeader;
  const { header, boxes } = parseBundle(bytes, vault, gen);
  const decoded = (name: string, text: unknown) => [name, decodeBase64(text as string) ?? new Uint8Array()] as const;
  const all = new Map([
    ...header.items.map(({ id }, at) => [id, boxes[at] ?? new Uint8Array()] as const),
    ...(header.views ?? []).map(({ id, box }) => decoded(`view|${id}`, box)),
    ...Object.entries(header.boxes ?? {}).map(([name, box]) => decoded(name, box)),
    decoded("index", header.index),
    decoded("signing", header.signing),
  ]);
  return { header, boxes: all };
}

/** The boxes that any of these keys opens. */
function opened({ header, boxes }: ReturnType<typeof boxesIn>, keys: readonly Uint8Array[]): readonly string[] {
  const opens = (key: Uint8Array, name: string, box: Uint8Array): boolean => {
    try {
      openBox(key, aadOf(header, name), box, name);
      return true;
    } catch {
      return false;
    }
  };
  return [...boxes].filter(([name, box]) => keys.some((key) => opens(key, name, box))).map(([name]) => name);
}

/** All keys that a holder has, and every key that the format derives from them and the objects in the bucket. */
async function keysOf(held: Held): Promise<readonly Uint8Array[]> {
  const { bundle } = await openHeld(held);
  const own = await deriveCredentialKeys(parseCredential(held.credential.exposeText()));
  const listed = bundle.keys.list(bundle.header).map((item) => bundle.keys.itemKey(item));
  const verifyKey = bundle.keys.verifyKey();
  const roots = [
    own.privateKey.expose(),
    own.signingKey.expose(),
    ...listed,
    ...(verifyKey === null ? [] : [verifyKey]),
  ];
  const infos = [
    ...["root", "signing", "index", "roll", "anchors", "verify"].map((name) => `vsync-${name}-v1`),
    ...bundle.header.items.map(({ id }) => `vsync-item-v1|${id}`),
    ...(bundle.header.views ?? []).map(({ id }) => `vsync-view-v1|${id}`),
  ];
  const derived = roots.flatMap((root) => infos.map((info) => hkdf(root, info)));
  return [...roots, ...derived, ...infos.map((info) => bundle.keys.derive(info))];
}

interface Forgery {
  /** Keys that the forger has, or has invented. */
  readonly signingKey: WritableVault["signingKey"];
  readonly tokens: WritableVault["tokens"];
}

/** Commits other secrets on top of the current vault, as somebody with these keys and write access to the bucket. */
async function forge(on: OpenedVault, { signingKey, tokens }: Forgery): Promise<void> {
  for (const key of world.objects().keys()) {
    if (key.startsWith(AUDIT_PREFIX) && key > auditKey(on.manifest.gen)) world.tamper(key, null);
  }
  world.tamper(auditKey(on.manifest.gen), null);
  const { version = "" } = world.store.bucket.get(MANIFEST_KEY) ?? {};
  const items = [{ name: "REDIS_URL", kind: "secret", data: Secret.ofText("redis://evil") }] as const;
  const { unlock } = on.manifest;
  const draft = { action: "push", actor: ACTOR, meta: {}, items, unlock, signingKey, rotates: false, tokens };
  await takeAll(commitGeneration(world, baseOn({ ...on, version, signingKey }), () => draft));
}

/** The record of a token whose credential the attacker has. */
async function soundRecord(elsewhere: World): Promise<TokenRecord> {
  await elsewhere.createToken({ name: "planted" });
  const record = (await elsewhere.writable()).tokens.roll.tokens.at(-1);
  if (record === undefined) throw new TypeError("no record");
  return record;
}

function attacks(): void {
  beforeEach(async () => {
    world = await World.pushed(SECRETS);
  });

  describe("the holder of a restricted token, with everything that lies in the bucket", () => {
    test("opens only granted items, and learns no other name", async () => {
      await create({ name: "full" });
      const held = await create(REDIS);
      const keys = await keysOf(held);
      const { manifest } = await openHeld(held);
      const bundle = boxesIn(world.bytes(manifest.bundle.key));
      const [item, ...others] = opened(bundle, keys);
      expect(bundle.header.items.map(({ id }) => id)).toContain(item);
      expect(others).toEqual([]);
      const bucket = Buffer.concat([...world.objects().values()].map(({ bytes }) => bytes)).toString("latin1");
      for (const name of Object.keys(SECRETS)) expect(bucket).not.toContain(name);
    });

    test("gets nothing of a generation after its revocation", async () => {
      const held = await create(REDIS);
      const keys = await keysOf(held);
      await world.revokeTokens([held.id]);
      await world.push({ ...SECRETS, REDIS_URL: "redis://new" });
      expect(await rejection(openHeld(held))).toMatchObject({ name: "TokenRevokedError" });
      const { bundle } = await world.manifest();
      expect(opened(boxesIn(world.bytes(bundle.key)), keys)).toEqual([]);
    });
  });

  describe("a co-holder who can write the bucket", () => {
    test.each<[string, Partial<GivenClaims>]>([
      ["of a full token", {}],
      ["of a token that may verify", { permissions: ["api.tokens.verify"] }],
    ])("%s fools nobody", async (_name, claims) => {
      const victim = await create(REDIS);
      const attacker = await create(claims);
      const on = await openHeld(attacker);
      // Every token's public keys, taken from the box that `verify` reads.
      const { roll } = (await world.writable()).tokens;
      const tokens = { roll, anchors: [generateSigningKey()], gatewaySigners: new Map() };
      await forge(on, { signingKey: generateSigningKey(), tokens });
      expect(await rejection(read(victim))).toMatchObject({
        name: "NotAuthenticError",
        hint: expect.stringContaining("--leaked"),
      });
      expect(await rejection((await reader()).open(OLD))).toMatchObject({ name: "NotAuthenticError" });
    });

    test("naming the victim's own anchor, or the genuine manifest over another bundle, fools nobody", async () => {
      const victim = await create(REDIS);
      const { manifest } = await openHeld(victim);
      const signingKey = generateSigningKey();
      const signer = Buffer.from(signingKey.publicKey).toString("base64");
      const [cert] = manifest.certs ?? [];
      const made = signCert(generateSigningKey(), { vault: manifest.vault, signer });
      world.forge({ ...manifest, signer, certs: [{ anchor: cert?.anchor ?? "", sig: made.sig }] }, signingKey);
      expect(await rejection(read(victim))).toMatchObject({
        name: "NotAuthenticError",
        hint: expect.stringContaining("not an operator"),
      });
      world.forge({ ...manifest, signer, certs: cert === undefined ? [] : [cert] }, signingKey);
      expect(await rejection(read(victim))).toMatchObject({ name: "NotAuthenticError" });
    });

    test("another bundle under the genuine manifest fools nobody", async () => {
      const victim = await create(REDIS);
      const { bundle } = await world.manifest();
      const bytes = world.bytes(bundle.key).toReversed();
      expect(sha256Hex(bytes)).not.toBe(bundle.sha256);
      world.tamper(bundle.key, bytes);
      expect(await rejection(read(victim))).toMatchObject({ name: "BundleCorruptError" });
    });
  });

  describe("an ex-operator, who knew a passphrase, and with it the signing key and the anchors of that time", () => {
    let held: Held;
    let then: OpenedVault;
    let keys: Forgery;

    beforeEach(async () => {
      held = await create(REDIS);
      const { vault, signingKey, tokens } = await world.writable();
      then = vault;
      keys = { signingKey, tokens };
    });

    test("fools a holder who still pins that anchor, but nobody with the new passphrase", async () => {
      await world.rotate(OLD, NEW);
      await forge(then, keys);
      expect(await read(held)).toEqual({ REDIS_URL: "redis://evil" });
      expect(await rejection((await reader()).open(NEW))).toMatchObject({ name: "WrongPassphraseError" });
    });

    test("does not fool a holder who pins the anchor from a rotation with `leaked`", async () => {
      const { committed } = await world.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
      const healed = { ...held, anchor: committed === null ? undefined : anchorOf(committed.manifest) };
      expect(await read(healed)).toEqual({ REDIS_URL: "redis://" });
      await forge(then, keys);
      expect(await rejection(read(healed))).toMatchObject({ name: "NotAuthenticError" });
      expect(await read(held)).toEqual({ REDIS_URL: "redis://evil" });
    });

    test("cannot plant a token that outlives an audit", async () => {
      const record = await soundRecord(world.fork());
      const { roll } = keys.tokens;
      await forge(then, { ...keys, tokens: { ...keys.tokens, roll: { ...roll, tokens: [...roll.tokens, record] } } });
      const { id } = record.claims;
      for (const check of [verifyTokensToo, examineTokens]) {
        expect(await rejection(check(await reader(), { holder: holderOf(OLD), expect: { env: ENV } }))).toMatchObject({
          name: "AuditBrokenError",
          message: `no audit row says who created ${id}: somebody planted it`,
          hint: expect.stringContaining(`vsync tokens revoke ${id}`),
        });
      }
      await world.revokeTokens([id]);
      expect((await (await reader()).verifyTokens()).outstanding).toBeNull();
    });
  });

  describe("a malicious verifying service", () => {
    test("learns who may do what, but no secret, no name and no other box", async () => {
      await create({ name: "the name of a token" });
      const service = await create({ permissions: ["api.tokens.verify"] });
      const holder = new CredentialHolder(service.credential, service.anchor);
      const { verify } = await readTokenSnapshot(await reader(), { holder, expect: { env: ENV } });
      expect(verify?.verify.tokens).toHaveLength(2);
      expect(JSON.stringify(verify)).not.toContain("the name");
      const { bundle } = await world.manifest();
      const found = opened(boxesIn(world.bytes(bundle.key)), await keysOf(service));
      const [view] = found.filter((name) => name.startsWith("view|"));
      expect(found).toEqual(view === undefined ? ["verify"] : [view, "verify"]);
      expect(await read(service)).toEqual({});
    });

    test("cannot open the roll or the anchors with its key", async () => {
      const service = await create({ permissions: ["api.tokens.verify"] });
      const { bundle } = await openHeld(service);
      const key = bundle.keys.verifyKey();
      if (key === null) throw new TypeError("no key");
      for (const open of [openRoll, openAnchors]) {
        expect(() => open(bundle.header, Secret.ofBytes(key))).toThrow(
          expect.objectContaining({ name: "BundleCorruptError" }),
        );
      }
      const other = await create(REDIS);
      const holder = new CredentialHolder(other.credential, other.anchor);
      expect((await readTokenSnapshot(await reader(), { holder, expect: { env: ENV } })).verify).toBeNull();
    });
  });
}

describe("in memory", () => {
  beforeAll(() => {
    storeOf = async ({ store }) => store;
  });
  attacks();
});

describeOnEveryStore("in a store", (ground) => {
  beforeAll(() => {
    storeOf = (from) => ground().copyOf(from.objects());
  });
  attacks();
});
