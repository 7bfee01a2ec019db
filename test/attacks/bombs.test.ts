import { open, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createGzip } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sealBox } from "../../src/crypto/box.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { SigningKey } from "../../src/crypto/signing.ts";
import { deriveIndexKey } from "../../src/crypto/subkeys.ts";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { aadOf } from "../../src/vault/format/bundle-header.ts";
import { encodeManifest, type Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { openWithKeys } from "../../src/vault/open/open.ts";
import { type OpenedBundle, openSigningKey } from "../../src/vault/open/open-bundle.ts";
import { PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { bucketVault } from "../runtime/bucket-fixture.ts";
import { type DirectoryVault, directoryVault, environmentOf } from "../runtime/fixture.ts";
import { PACKAGE, runModule } from "../runtime/program.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { rootKeyOf } from "../support/world.ts";

/*
 * The memory that a reader needs for planted objects, in a separate process (VmHWM of proc(5)), may exceed the memory for the
 * original vault only by a fixed amount. The sizes are those that the format allows, or larger.
 */

const MIB = 1024 * 1024;
const EACH = 64 * MIB;

const PROGRAM = `
  import { readFileSync } from "node:fs";
  import { Vsync } from ${PACKAGE};
  const error = await Vsync.open().then(async (v) => { await v.close(); return null; }, (reason) => reason);
  const [, peakKiB] = /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
  console.log(JSON.stringify({ name: error?.name ?? null, peakMiB: Math.round(peakKiB / 1024) }));
`;

interface Opened {
  /** The error's code, or null if the vault opened. */
  readonly name: string | null;
  readonly peakMiB: number;
}

async function openIn(env: Record<string, string>): Promise<Opened> {
  const { stdout, stderr, status } = await runModule(PROGRAM, env, ["--max-old-space-size=512"]);
  if (status !== 0) throw new Error(`the reader died (${status}): ${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout) as Opened;
}

describe.skipIf(process.platform !== "linux")(
  "what an attacker plants does not fill the memory (Linux has VmHWM)",
  () => {
    let usual: number | undefined;

    /** The memory for the original vault, measured once. */
    async function usualMiB(): Promise<number> {
      if (usual !== undefined) return usual;
      const { name, peakMiB } = await openIn(environmentOf(await oneVault()));
      expect(name).toBeNull();
      usual = peakMiB;
      return usual;
    }

    async function expectRefused(env: Record<string, string>, name: string, atMostMiB: number): Promise<void> {
      const seen = await openIn(env);
      expect(seen.name).toBe(name);
      expect(seen.peakMiB).toBeLessThan((await usualMiB()) + atMostMiB);
    }

    test("a token that inflates to 256 MiB", async () => {
      const file = join((await oneVault()).folder, "token");
      await writeFile(file, `vsync-cfg-v1:${(await gzipped(256)).toString("base64url")}`);
      await expectRefused({ VSYNC_CONFIG_FILE: file, VSYNC_PASSPHRASE: "x" }, "ConfigInvalidError", 32);
    });

    test.each(["[", '{"a":', '"'])("a token of 64 KiB of %s", async (piece) => {
      const vault = await oneVault();
      const file = join(vault.folder, "token");
      await writeFile(
        file,
        `vsync-cfg-v1:${(await gzipped(0, piece.repeat(65536 / piece.length))).toString("base64url")}`,
      );
      await expectRefused({ VSYNC_CONFIG_FILE: file, VSYNC_PASSPHRASE: "x" }, "ConfigInvalidError", 32);
    });

    test("a manifest of 4 GiB", async () => {
      const vault = await oneVault();
      await truncate(join(vault.folder, "manifest"), 4096 * MIB);
      await expectRefused(environmentOf(vault), "NotAuthenticError", 32);
    });

    test.each([
      ["brackets", `{"format":"vsync-manifest-v1","meta":${"[".repeat(MIB - 300)}`],
      ["empty arrays", `{"format":"vsync-manifest-v1","meta":[${"[],".repeat((MIB - 300) / 3)}[]]}`],
      ["an empty line after another", "\n".repeat(MIB - 300)],
    ])("a manifest of 1 MiB: %s", async (_name, text) => {
      const vault = await oneVault();
      const signature = encodeBase64(new Uint8Array(68));
      await writeFile(join(vault.folder, "manifest"), `${text}\n\n\u2014 vsync/x ${signature}\n`);
      await expectRefused(environmentOf(vault), "NotAuthenticError", 64);
    });

    test("a bundle of 4 GiB although the manifest names a small one", async () => {
      const vault = await oneVault();
      const { key } = (await opened(vault)).manifest.bundle;
      await truncate(join(vault.folder, key), 4096 * MIB);
      await expectRefused(environmentOf(vault), "BundleCorruptError", 32);
    });

    test("an audit row of 4 GiB, for commands that read rows", async () => {
      const vault = await oneVault();
      const file = join(vault.folder, auditKey(1));
      await rm(file);
      await (await open(file, "wx")).close();
      await truncate(file, 4096 * MIB);
      const stored = await storeOf(vault).get(auditKey(1), { maxBytes: MIB });
      expect(stored?.bytes.length).toBe(MIB + 1);
    });

    test.each<[string, string | RegExp, number, string]>([
      ["a manifest", /manifest$/, 200, "NotAuthenticError"],
      ["a bundle", /v=[^/]*$/, 200, "BundleCorruptError"],
      ["an error", /./, 500, "S3UnreachableError"],
    ])("in a bucket, %s without an end", async (_name, key, status, refusal) => {
      const vault = await bucketVault();
      vault.server.faults.add({ key }, { kind: "endless", status, start: "{", etag: '"e"' }, 100);
      const env = { VSYNC_CONFIG: vault.configWith({}), VSYNC_PASSPHRASE: PASSPHRASE };
      // Buffers of the network and the code that it loads come on top.
      await expectRefused(env, refusal, refusal === "BundleCorruptError" ? 200 : 100);
    });

    // Readers accept these this far only from a holder of the passphrase.
    describe("a bundle of 64 MiB that an operator has crafted", () => {
      const open64 = EACH - 2000;
      test.each([
        [
          "arrays in the slot of an unknown holder",
          () => ({ slots: `{"id":"x","y":[${"[],".repeat(open64 / 3)}[]]}` }),
        ],
        ["brackets in it", () => ({ slots: `{"id":"x","y":${"[".repeat(open64)}` })],
        [
          "slots",
          () => ({ slots: Array.from({ length: open64 / 16 }, (_, at) => `{"id":"${at.toString(36)}"}`).join(",") }),
        ],
        ["items of no size", () => ({ items: '{"id":"0000000000000000","size":0},'.repeat(open64 / 40) + "{}" })],
      ])("%s", async (_name, parts) => {
        const vault = await oneVault();
        await plantBundle(vault, headerWith(await opened(vault), parts()));
        await expectRefused(environmentOf(vault), "BundleCorruptError", 450);
      });

      test("arrays in the index", async () => {
        const vault = await oneVault();
        const operator = await opened(vault);
        const { header, keys } = operator.bundle;
        const text = `{"items":[${"[],".repeat(EACH / 6)}[]]}`;
        const random = { bytes: (length: number) => new Uint8Array(length) };
        const index = sealBox(
          random,
          deriveIndexKey(rootKeyOf(keys).expose()),
          aadOf(header, "index"),
          Buffer.from(text),
        );
        await plantBundle(
          vault,
          Buffer.from(`${JSON.stringify({ ...header, index: encodeBase64(index), items: [] })}\n`),
        );
        await expectRefused(environmentOf(vault), "BundleCorruptError", 450);
      });
    });
  },
);

async function oneVault(): Promise<DirectoryVault> {
  return directoryVault({ items: [{ name: "A", data: "1" }] });
}

function storeOf({ folder }: DirectoryVault) {
  const place = { bucket: "vsync", prefix: "api/prod/" };
  return openDirectoryStore({ endpoint: fileEndpoint(folder.slice(0, -"vsync/api/prod/".length)), ...place });
}

interface Operator {
  readonly manifest: Manifest;
  readonly bundle: OpenedBundle;
  readonly signingKey: SigningKey;
}

/** Opens it as the operator; the keys are valid until the test ends. */
async function opened(vault: DirectoryVault): Promise<Operator> {
  const holder = new PassphraseHolder(Secret.ofText(vault.passphrase));
  onTestFinished(() => holder[Symbol.dispose]());
  const ports = { store: storeOf(vault), clock: { nowMs: Date.now } };
  const { manifest, bundle } = await openWithKeys(ports, { holder, expect: { env: "prod" } });
  const { operatorKey } = bundle.keys;
  if (operatorKey === null) throw new TypeError("no operator");
  return { manifest, bundle, signingKey: openSigningKey(bundle.header, operatorKey) };
}

function headerWith({ bundle: { header } }: Operator, parts: { slots?: string; items?: string }): Buffer {
  const { format, vault, gen, signing, index } = header;
  const own = JSON.stringify(header.slots).slice(1, -1);
  const slots = parts.slots === undefined ? own : `${own},${parts.slots}`;
  const rest = JSON.stringify({ format, vault, gen, signing, index }).slice(0, -1);
  return Buffer.from(`${rest},"slots":[${slots}],"items":[${parts.items ?? ""}]}\n`);
}

async function plantBundle(vault: DirectoryVault, bytes: Buffer): Promise<void> {
  expect(bytes.length).toBeLessThanOrEqual(EACH);
  const { manifest, signingKey } = await opened(vault);
  const bundle = { ...manifest.bundle, size: bytes.length, sha256: sha256Hex(bytes) };
  await writeFile(join(vault.folder, bundle.key), bytes);
  await writeFile(join(vault.folder, "manifest"), encodeManifest({ ...manifest, bundle }, signingKey));
}

async function gzipped(mebibytes: number, text = ""): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  const mebibyte = Buffer.alloc(MIB, 0x5b);
  for (let at = 0; at < mebibytes; at++) {
    if (!gzip.write(mebibyte)) await new Promise((resolve) => gzip.once("drain", resolve));
  }
  await new Promise((resolve) => gzip.once("end", resolve).end(text));
  return Buffer.concat(chunks);
}
