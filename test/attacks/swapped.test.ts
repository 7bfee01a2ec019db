import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { Vsync } from "../../src/runtime/index.ts";
import { sealBundle } from "../../src/vault/commit/seal-bundle.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../src/vault/format/manifest.ts";
import { passphraseEntry } from "../../src/vault/unlock/passphrase-entry.ts";
import { freshCost, hintOf } from "../../src/vault/unlock/passphrase-holder.ts";
import { passphrasesIn } from "../support/passphrases.ts";
import { openSandbox, type Sandbox, type Transcript } from "../support/program/sandbox.ts";
import { createVault, PASSPHRASE } from "../support/vault-fixture.ts";
import { describeOnEveryStore, type Ground } from "./ground.ts";

/*
 * An attacker who can write the bucket but knows no passphrase replaces each object by everything it has: older objects,
 * those of other vaults and envs under the same passphrase, and forgeries. Each attack runs against the library and the
 * program, and nothing opens.
 */

const OURS = "api/prod/";
const items = (value: string) => [{ name: "URL", data: value }] as const;
const LEAST = { iterations: 1, memoryKiB: 8192, parallelism: 1 } as const;

describeOnEveryStore("a store that its attacker can write", (ground) => {
  let sandbox: Sandbox;
  /** The objects of our vault, by generation. */
  const manifests: Buffer[] = [];
  let vault: string;

  beforeAll(async () => {
    sandbox = await openSandbox();
    await sandbox.write("work/package.json", '{"name":"api"}');
    const ours = await createVault(await ground().storeAt(OURS), { items: items("first") });
    vault = ours.vault;
    manifests[1] = await ground().steal(`${OURS}manifest`);
    await ours.push(items("other"));
    manifests[2] = await ground().steal(`${OURS}manifest`);
    await ours.push(items("third"));
    manifests[3] = await ground().steal(`${OURS}manifest`);
    await createVault(await ground().storeAt("twin/prod/"), { items: items("their") });
    await createVault(await ground().storeAt("api/staging/"), { items: items("stage"), env: "staging" });
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  const at = (gen: number): Manifest => parsed(manifests[gen] ?? expect.unreachable());
  const bundleAt = (gen: number): string => OURS + at(gen).bundle.key;
  const plantManifest = (bytes: Uint8Array) => ground().plant(`${OURS}manifest`, bytes);

  const newest = (): Buffer => manifests[3] ?? expect.unreachable();
  const plantEdited = (edit: (manifest: Manifest) => unknown) => plantManifest(edited(newest(), edit));
  const stealManifest = (prefix: string) => ground().steal(`${prefix}manifest`);
  const stealBundle = async (prefix: string) => ground().steal(prefix + parsed(await stealManifest(prefix)).bundle.key);
  const plantBundle = (bytes: Uint8Array) => ground().plant(bundleAt(3), bytes);
  const resigned = (change: Partial<Manifest>, key = generateSigningKey()) =>
    encodeManifest({ ...at(3), ...change }, key);
  const stranger = generateSigningKey();
  const ownSigner = { signer: encodeBase64(stranger.publicKey) };
  const noEndorsement = { endorse: encodeBase64(new Uint8Array(32)) };

  type Attack = () => Promise<void>;
  const ATTACKS: Readonly<Record<string, Readonly<Record<string, Attack>>>> = {
    BundleCorruptError: {
      "an older bundle under the newest one's name": async () => plantBundle(await ground().steal(bundleAt(1))),
      "another vault's bundle": async () => plantBundle(await stealBundle("twin/prod/")),
      "another env's bundle": async () => plantBundle(await stealBundle("api/staging/")),
      "a slot grafted into the bundle": async () =>
        plantBundle(withSlotsOf(await ground().steal(bundleAt(3)), await ground().steal(bundleAt(1)))),
    },
    NotAuthenticError: {
      "an older bundle named under the old signature": () => plantEdited((m) => ({ ...m, bundle: at(1).bundle })),
      "another vault's manifest": async () => plantManifest(await stealManifest("twin/prod/")),
      "another env's manifest": async () => plantManifest(await stealManifest("api/staging/")),
      "a manifest signed by a key that it names": () => plantManifest(resigned(ownSigner, stranger)),
      "a manifest signed by a stranger": () => plantManifest(resigned({})),
      "the signature of another generation": () =>
        plantManifest(Buffer.from(textOf(newest()) + signatureOf(manifests[2]))),
      "the attacker's slot beside ours": () => plantOwnVault(["ours", "its own"]),
      "the attacker's slot before ours": () => plantOwnVault(["its own", "ours"]),
      "an endorsement removed": () => plantEdited((m) => withEntry(m, { endorse: undefined })),
      "an endorsement zeroed": () => plantEdited((m) => withEntry(m, noEndorsement)),
      "a slot of a kind that readers skip": () => plantEdited((m) => withEntry(m, { kind: "other" })),
      "a manifest cut short": () => plantManifest(newest().subarray(0, -3)),
    },
    WrongPassphraseError: {
      "the attacker's vault under our id": () => plantOwnVault(["its own"]),
      "a lower cost": () => plantEdited((m) => withCost(m, { memory_kib: 8193 })),
      "a higher cost": () => plantEdited((m) => withCost(m, { iterations: 2 })),
    },
  };
  const attacks = Object.entries(ATTACKS).flatMap(([error, acts]) =>
    Object.entries(acts).map(([name, act]) => [name, error, act] as const),
  );

  /** The attacker's own vault, with our slot next to its own; its bundle replaces ours. */
  async function plantOwnVault(slots: readonly ("ours" | "its own")[]): Promise<void> {
    const key = generateSigningKey();
    const signer = encodeBase64(key.publicKey);
    const random = { bytes: (length: number) => randomBytes(length) };
    const cost = freshCost(random, LEAST);
    const key2 = await derivePassphraseKey(Secret.ofText("of the attacker"), cost);
    const own = passphraseEntry("evil", { key: key2, cost }, { vault, env: "prod", signer });
    const [ours] = parseManifest(manifests[3] ?? expect.unreachable()).manifest.unlock;
    const all = { ours: ours ?? expect.unreachable(), "its own": own };
    const entries = slots.map((slot) => all[slot]);
    const data = Secret.ofText("forged");
    const item = { id: "00".repeat(8), name: "URL", kind: "secret", data } as const;
    const bundle = await sealBundle(random, { vault, gen: 3, entries, signingKey: key, items: [item] });
    const ref = { ...at(3).bundle, size: bundle.length, sha256: sha256Hex(bundle) };
    await ground().plant(OURS + ref.key, bundle);
    await plantManifest(encodeManifest({ ...at(3), signer, unlock: entries, bundle: ref }, key));
  }

  const env = (fields: Parameters<Ground["token"]>[1] = {}) => ({
    VSYNC_CONFIG: ground().token(OURS, { vault, ...fields }),
    VSYNC_PASSPHRASE: PASSPHRASE,
  });
  const get = (fields = {}): Promise<Transcript> => sandbox.run(["get", "URL"], { env: env(fields) });
  async function valueSeen(fields = {}): Promise<string | undefined> {
    await using opened = await Vsync.open({ env: env(fields) });
    return opened.get("URL");
  }

  test("untouched, it opens", async () => {
    expect(await valueSeen()).toBe("third");
    expect(await get()).toEqual({ stdout: "third\n", stderr: "", exitCode: 0 });
  });

  test.each(attacks)("%s: %s", async (_name, error, act) => {
    await act();
    await expect(valueSeen()).rejects.toMatchObject({ name: error });
    const { stdout, stderr, exitCode } = await get();
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: error === "WrongPassphraseError" ? 1 : 6 });
    expect(stderr).not.toContain("forged");
  });

  describe("an older manifest put back", () => {
    test("is accepted by a token without minGen, because the store does not show that a newer one existed", async () => {
      await plantManifest(manifests[2] ?? expect.unreachable());
      expect(await valueSeen()).toBe("other");
    });

    test("is refused by a token with minGen", async () => {
      await plantManifest(manifests[2] ?? expect.unreachable());
      await expect(valueSeen({ minGen: 3 })).rejects.toMatchObject({ name: "RollbackError" });
      expect(await get({ minGen: 3 })).toMatchObject({ stdout: "", exitCode: 6 });
      expect(await valueSeen({ minGen: 2 })).toBe("other");
    });

    test("is refused by a machine that has seen a newer one, which commits nothing on top", async () => {
      const { cost, recipient } = hintOf(parseManifest(manifests[3] ?? expect.unreachable()).manifest);
      const known = { repo: "api", env: "prod", vault, kdf: cost, recipient };
      const config = (seenGen: number) => ({ ...ground().at(OURS), ...known, seenGen });
      await plantManifest(manifests[2] ?? expect.unreachable());
      const push = ["push", "prod", "--from=-", "--yes"];
      const options = { stdin: "URL=fourth", env: { VSYNC_PASSPHRASE: PASSPHRASE } };
      for (const seenGen of [3, 1]) {
        // A machine that has not seen it refuses too, because the audit row of the next generation exists.
        await sandbox.giveConfig(config(seenGen));
        expect(await sandbox.run(push, options)).toMatchObject({ stdout: "", exitCode: 6 });
        expect(await ground().steal(`${OURS}manifest`)).toEqual(manifests[2]);
      }
      const verified = await sandbox.run(["audit", "verify", "prod"], options);
      expect(verified).toMatchObject({ stdout: "", exitCode: 6 });
      expect(verified.stderr).toContain("manifest rolled back");
    });
  });

  describe("the audit rows", () => {
    const row = (gen: number): string => `${OURS}audit/${String(gen).padStart(12, "0")}`;
    const verify = (): Promise<Transcript> =>
      sandbox.run(["audit", "verify", "prod"], { env: { VSYNC_PASSPHRASE: PASSPHRASE } });

    test.each<[string, number, (it: Ground) => Promise<void>]>([
      ["one in another's place", 2, async (it) => it.plant(row(2), await it.steal(row(1)))],
      ["one edited", 1, async (it) => it.plant(row(1), (await it.steal(row(1))).toString().replace('"ann"', '"eve"'))],
      ["another vault's", 1, async (it) => it.plant(row(1), await it.steal("twin/prod/audit/000000000001"))],
      [
        "the newest signed by a stranger",
        3,
        async (it) => {
          const text = textOf(await it.steal(row(3)));
          await it.plant(row(3), text + signatureOf(await it.steal(row(2))));
        },
      ],
    ])("%s: row %i is named", async (_name, gen, act) => {
      await act(ground());
      const { stdout, stderr, exitCode } = await verify();
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 6 });
      expect(stderr).toMatch(new RegExp(`^vsync: error: audit row ${gen} `));
    });
  });
});

const parsed = (bytes: Uint8Array): Manifest => parseManifest(bytes).manifest;

/** A note's text with its empty line, and its signature line. */
const textOf = (note: Buffer | undefined): string => {
  const whole = String(note);
  return whole.slice(0, whole.lastIndexOf("\n\n") + 2);
};
const signatureOf = (note: Buffer | undefined): string => String(note).slice(textOf(note).length);

/** Changes fields under the old signature. */
function edited(note: Buffer | undefined, edit: (manifest: Manifest) => unknown): Buffer {
  return Buffer.from(`${JSON.stringify(edit(JSON.parse(textOf(note)) as Manifest))}\n\n${signatureOf(note)}`);
}

function withEntry(manifest: Manifest, change: Readonly<Record<string, unknown>>): unknown {
  return { ...manifest, unlock: manifest.unlock.map((entry) => ({ ...entry, ...change })) };
}

function withCost(manifest: Manifest, change: Readonly<Record<string, number>>): unknown {
  return withEntry(manifest, { kdf: { ...passphrasesIn(manifest)[0]?.kdf, ...change } });
}

/** One bundle with another's slots added to its header. */
function withSlotsOf(bundle: Buffer, other: Buffer): Buffer {
  const end = bundle.indexOf(0x0a);
  const header = JSON.parse(bundle.subarray(0, end).toString());
  const { slots } = JSON.parse(other.subarray(0, other.indexOf(0x0a)).toString());
  const grafted = { ...header, slots: [...header.slots, { ...slots[0], id: "graft" }] };
  return Buffer.concat([Buffer.from(JSON.stringify(grafted)), bundle.subarray(end)]);
}
