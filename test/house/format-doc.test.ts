import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readGzipMember, writeGzipMember } from "../../src/blob/gzip-member.ts";
import { decodeToken, TOKEN_ENVELOPE } from "../../src/blob/token.ts";
import { canonicalFault, checkExtent, type JsonValue } from "../../src/canonical-json.ts";
import { DEFAULT_COST, type KdfCost, kdfCostFault, SALT_BYTES } from "../../src/crypto/argon2id.ts";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../src/crypto/base64.ts";
import { BOX_OVERHEAD_BYTES, openBox } from "../../src/crypto/box.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { keyIdOf } from "../../src/crypto/note.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openSlot } from "../../src/crypto/slot.ts";
import {
  deriveIndexKey,
  deriveRootKey,
  deriveSigningBoxKey,
  endorsementOf,
  itemKeysOf,
} from "../../src/crypto/subkeys.ts";
import { x25519PublicKey } from "../../src/crypto/x25519.ts";
import { openForCommit } from "../../src/vault/commit/open-for-commit.ts";
import { sealBundle } from "../../src/vault/commit/seal-bundle.ts";
import { encodeAuditRow } from "../../src/vault/format/audit-row.ts";
import { aadOf, parseBundle, refuseBundle, slotOf } from "../../src/vault/format/bundle-header.ts";
import { itemNameFault } from "../../src/vault/format/item.ts";
import { kdfCostOf } from "../../src/vault/format/kdf-field.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../src/vault/format/manifest.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { openBundle } from "../../src/vault/open/open-bundle.ts";
import { fetchManifest } from "../../src/vault/open/open-manifest.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { holding, passphrasesIn } from "../support/passphrases.ts";
import { bytesOf } from "../vectors/bytes.ts";
import { loadVectors } from "../vectors/load.ts";
import type { Vector, VectorBytes } from "../vectors/vector.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const DOC = readFileSync(join(REPOSITORY, "docs/format.md"), "utf8");
const PROSE = DOC.replace(/\s+/g, " ");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const LOADED = loadVectors();
const VECTORS = LOADED.map(({ name }) => name);
const FOLDERS = [...new Set(VECTORS.map((name) => name.slice(0, name.indexOf("/"))))];
/** Text in backticks that starts with a vector folder's name or, in a `Vectors` paragraph, contains a slash. */
const NAMED = [
  ...new Set([
    ...[...DOC.matchAll(/`([a-z0-9]+\/[a-z0-9*-]*)`/g)].map(([, it = ""]) => it).filter(isInFolder),
    ...vectorParagraphs().flatMap((it) => [...it.matchAll(/`([^`]*\/[^`]*)`/g)].map(([, name = ""]) => name)),
  ]),
];

function isInFolder(name: string): boolean {
  return FOLDERS.includes(name.slice(0, name.indexOf("/")));
}

function vectorParagraphs(): readonly string[] {
  return DOC.split(/\n{2,}/).filter((it) => it.startsWith("**Vectors:**"));
}

function namedBy(name: string): readonly string[] {
  const pattern = new RegExp(`^${name.endsWith("/") ? `${name}*` : name}$`.replaceAll("*", "[^/]*"));
  return VECTORS.filter((it) => pattern.test(it));
}

describe("the vectors that the format's text names", () => {
  test.each(NAMED)("%s exists", (name) => {
    expect(namedBy(name)).not.toEqual([]);
  });

  test.each(FOLDERS)("%s/ is named", (folder) => {
    expect(NAMED).toContain(`${folder}/`);
  });

  test("each section names its vectors", () => {
    const sections = DOC.split(/^## /m).slice(1);
    const without = sections.filter((it) => !it.includes("\n**Vectors:** ")).map((it) => it.split("\n")[0]);
    expect(without).toEqual(["Terms"]);
  });

  test("each vector that decides a reading is named individually, or as one of many that decide the same", () => {
    const deciding = LOADED.filter(({ reading }) => reading !== undefined);
    const alike = Map.groupBy(deciding, ({ reading }) => reading);
    const patterns = NAMED.filter((it) => it.includes("*")).map((it) => new Set(namedBy(it)));
    const isNamed = ({ name, reading }: Vector): boolean =>
      NAMED.includes(name) || ((alike.get(reading)?.length ?? 0) > 3 && patterns.some((it) => it.has(name)));
    expect(deciding).not.toEqual([]);
    expect(deciding.filter((it) => !isNamed(it))).toEqual([]);
  });
});

interface OpenVector {
  readonly objects: { readonly manifest: { readonly utf8: string }; readonly [key: string]: unknown };
  readonly token: string;
  readonly passphrase: string;
  readonly now: string;
}

function vector(name: string): { readonly in: unknown } {
  return LOADED.find((it) => it.name === name) ?? expectNever(`no vector ${name}`);
}

/** The fenced block whose info string is `language label`. */
function example(label: string): string {
  const fence = DOC.split(/^```/m).find((it) => it.split("\n")[0]?.split(" ").slice(1).join(" ") === label);
  if (fence === undefined) throw new TypeError(`no example ${label}`);
  return fence.slice(fence.indexOf("\n") + 1, -1);
}

/** Turns JSON with comments and line breaks into one line. */
function oneLine(jsonc: string): string {
  return JSON.stringify(JSON.parse(jsonc.replace(/(?<=^|\s)\/\/ .*$/gm, "")));
}

/** Parses `name  value` lines. */
function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split("\n").map((line) => line.split(/ {2,}/, 2)));
}

test("example: a token", () => {
  const { token } = vector("token/aws").in as { token: string };
  const member = Buffer.from(token.slice(TOKEN_ENVELOPE.length), "base64url");
  expect(example("token/aws token")).toBe(token);
  expect(example("token/aws gzip").replaceAll(" ", "")).toBe(hex(member.subarray(0, 10)));
  expect(oneLine(example("token/aws json"))).toBe(Buffer.from(readGzipMember(member, 1024)).toString());
});

describe("example: a bundle", () => {
  const given = vector("bundle/one-item").in as {
    bundle: VectorBytes;
    vault: string;
    gen: number;
    slot: string;
    seed: { hex: string };
  };
  const bytes = Buffer.from(bytesOf(given.bundle));
  const at = bytes.indexOf(0x0a);
  const offset = (number: number): string => number.toString(16).padStart(4, "0");

  test("its bytes", () => {
    for (const line of example("bundle/one-item bytes").split("\n")) {
      const [place = "", octets = "", shown = ""] = line.split(/ {2,}/);
      const row = bytes.subarray(Number.parseInt(place, 16), Number.parseInt(place, 16) + 16);
      expect(octets.replaceAll(" ", ""), place).toBe(hex(row));
      expect(shown, place).toBe(row.toString("latin1").replace(/[^ -~]/g, "."));
    }
  });

  test("its sizes and places", () => {
    const [box, tag, end] = [at + 1, bytes.length - 16, bytes.length - 1];
    expect(PROSE).toContain(
      `has ${bytes.length} bytes: a header of ${at}, an LF, and one box of ${bytes.length - box}.`,
    );
    expect(PROSE).toContain(`LF is at ${offset(at)}. The box is its nonce at ${offset(box)}…${offset(box + 11)}, `);
    expect(PROSE).toContain(`${tag - box - 12} bytes of ciphertext at ${offset(box + 12)}…${offset(tag - 1)}, `);
    expect(PROSE).toContain(`its tag at ${offset(tag)}…${offset(end)}.`);
  });

  test("its header", () => {
    expect(oneLine(example("bundle/one-item header"))).toBe(bytes.subarray(0, at).toString());
    const signing = decode(parseBundle(bytes, given.vault, given.gen).header.signing);
    expect(DOC).toContain(`// nonce ${hex(signing.subarray(0, 12))}, ${signing.length - 28} bytes of ciphertext, tag`);
    expect(DOC).toContain(`associated data: ${given.vault}|${given.gen}|${given.slot}\n`);
  });

  test("what its holder derives", async () => {
    const { header, boxes } = parseBundle(bytes, given.vault, given.gen);
    const [seed, slot, id] = [
      Buffer.from(given.seed.hex, "hex"),
      slotOf(header, given.slot),
      header.items[0]?.id ?? "",
    ];
    const operatorKey = await openSlot(
      seed,
      aadOf(given, given.slot),
      { enc: decode(slot.enc), ct: decode(slot.ct) },
      "p1",
    );
    const [rootKey, boxKey] = [deriveRootKey(operatorKey), deriveSigningBoxKey(operatorKey)];
    const [indexKey, itemKey] = [deriveIndexKey(rootKey), itemKeysOf(rootKey)(id)];
    const open = (key: Uint8Array, what: string, box: Uint8Array) =>
      Buffer.from(openBox(key, `${given.vault}|${given.gen}|${what}`, box, what));
    expect(pairs(example("bundle/one-item derived"))).toEqual({
      seed: given.seed.hex,
      recipient: hex(x25519PublicKey(seed)),
      O: hex(operatorKey),
      R: hex(rootKey),
      "index key": hex(indexKey),
      index: open(indexKey, "index", decode(header.index)).toString(),
      "item key": hex(itemKey),
      "item data": `${given.vault}|${given.gen}|${id}`,
      item: open(itemKey, id, boxes[0] ?? new Uint8Array()).toString(),
      "signing box key": hex(boxKey),
      "signing key": hex(open(boxKey, "signing", decode(header.signing))),
    });
  });
});

const FIRST = vector("manifest/gen-1-push").in as OpenVector;
const SECOND = vector("manifest/gen-2-push").in as OpenVector;
const FIRST_BYTES = Buffer.from(FIRST.objects.manifest.utf8);

function expectNever(fault: string): never {
  throw new TypeError(fault);
}

/** The vector's vault, opened as a commit opens it. */
async function openFirst() {
  const [key = "", bundle] = Object.entries(FIRST.objects).find(([it]) => it.startsWith("v=")) ?? [];
  const store = MemoryStore.of({ manifest: FIRST_BYTES, [key]: bytesOf(bundle as VectorBytes) });
  const ports = { store, clock: { nowMs: () => Date.parse(FIRST.now) } };
  return openForCommit(ports, { holder: holding(FIRST.passphrase), expect: { env: decodeToken(FIRST.token).env } });
}

describe("example: a manifest and its row", () => {
  test("its text and signature", () => {
    const text = oneLine(example("manifest/gen-1-push text"));
    expect(`${text}\n\n${example("manifest/gen-1-push signature")}\n`).toBe(FIRST.objects.manifest.utf8);
    expect(PROSE).toContain(`the passphrase is \`${FIRST.passphrase}\`.`);
  });

  test("what a reader computes", async () => {
    const { manifest, sha256 } = parseManifest(FIRST_BYTES);
    const [entry = expectNever("no entry")] = passphrasesIn(manifest);
    const cost = kdfCostOf(entry.kdf);
    const { seed, mac, recipient } = await derivePassphraseKey(Secret.ofText(FIRST.passphrase), cost);
    const { vault, signer } = manifest;
    expect(pairs(example("manifest/gen-1-push derived"))).toEqual({
      seed: hex(seed.expose()),
      mac: hex(mac.expose()),
      recipient: encodeBase64(recipient),
      "hmac of": `vsync-endorse-v1|${vault}|${entry.slot}|${signer}|`,
      endorse: encodeBase64(endorsementOf(mac.expose(), { vault, slot: entry.slot, signer })),
      keyid: hex(keyIdOf(`vsync/${vault}`, decode(signer))),
      "object bytes": String(FIRST_BYTES.length),
      "object sha256": sha256,
    });
    expect(parseManifest(Buffer.from(SECOND.objects.manifest.utf8)).manifest.prev).toBe(sha256);
  });

  test("its row", async () => {
    const { vault, signingKey } = await openFirst();
    const row = encodeAuditRow(vault.manifest, signingKey);
    expect(`${example("manifest/gen-1-push row")}\n`).toBe(Buffer.from(row).toString());
    expect(example("manifest/gen-1-push row-sha256")).toBe(sha256Hex(row));
    expect(parseManifest(Buffer.from(SECOND.objects.manifest.utf8)).manifest.audit?.sha256).toBe(sha256Hex(row));
  });
});

/** The manifest as it may be written: with entries of every kind. */
type ManifestJson = Omit<Manifest, "unlock"> & { readonly unlock: readonly object[] };

type Accepts = (size: number) => unknown;

const COST: KdfCost = { salt: new Uint8Array(16), iterations: 1, memoryKiB: 8192, parallelism: 1 };
const inBounds = (cost: Partial<KdfCost>): void => orRefuse(kdfCostFault({ ...COST, ...cost }));
const isCanonical = (value: JsonValue): void => orRefuse(canonicalFault(value));

function orRefuse(fault: string | null): void {
  if (fault !== null) throw new RangeError(fault);
}

/** Applies each limit of the table to a size; throws if the size is refused. */
const LIMITS: Readonly<Record<string, Accepts>> = {
  "token, inflated": (size) => decodeToken(tokenOf(size)),
  manifest: async (size) => fetchManifest(MemoryStore.of({ manifest: await manifestOf(size) })),
  bundle: (size) => parseWith((manifest) => ({ bundle: { ...manifest.bundle, size } })),
  "depth of JSON": (depth) => isCanonical(JSON.parse("[".repeat(depth) + "]".repeat(depth))),
  "number in JSON": (number) => isCanonical({ number }),
  "Argon2id memory": (memoryKiB) => inBounds({ memoryKiB }),
  "Argon2id iterations": (iterations) => inBounds({ iterations }),
  "Argon2id parallelism": (parallelism) => inBounds({ parallelism }),
  salt: (size) => inBounds({ salt: new Uint8Array(Math.max(size, 0)) }),
  "unlock entries": (count) => parseWith(({ unlock }) => ({ unlock: [...unlock, ...others(count - 1)] })),
  "passphrase entries": (count) => parseWith(({ unlock }) => ({ unlock: repeated(unlock, count) })),
  "slot id": (size) => parseWith(({ unlock }) => ({ unlock: [{ ...unlock[0], slot: "s".repeat(size) }] })),
  "item name": (size) => orRefuse(itemNameFault("n".repeat(size), "secret")),
  "file mode": openFileOf,
  box: (size) => openBox(new Uint8Array(32), "", new Uint8Array(size), "it"),
  "slots in a header": (count) => parseBundle(headerWith(others(count)), "v", 1),
  "JSON values in a header, or an index": (count) => checkExtent(`[${"1,".repeat(count - 2)}1]`, refuseBundle),
  "members of an object in a header, or an index": (count) =>
    checkExtent(`{${'"k":1,'.repeat(count - 1)}"k":1}`, refuseBundle),
  generation: (gen) => parseWith(() => ({ gen, prev_gen: gen - 1, ...(gen === 1 ? {} : linksTo(gen - 1)) })),
  certs: (count) => parseWith(() => ({ certs: Array.from({ length: count }, (_, at) => certOf(at)) })),
  "generation in an audit key": (digits) => expect(auditKey(1)).toHaveLength("audit/".length + digits),
};

function linksTo(gen: number) {
  const sha256 = "0".repeat(64);
  return { audit: { gen, sha256 }, prev: sha256 };
}

function certOf(at: number) {
  return { anchor: encodeBase64(new Uint8Array(32).fill(at)), sig: encodeBase64(new Uint8Array(64)) };
}

function headerWith(slots: readonly object[]): Uint8Array {
  const named = slots.map((slot, at) => ({ id: `s${at}`, ...slot }));
  const header = { format: "vsync-bundle-v1", vault: "v", gen: 1, slots: named, signing: "", index: "", items: [] };
  return Buffer.from(`${JSON.stringify(header)}\n`);
}

function tokenOf(size: number): string {
  const { json } = (vector("token/encode-aws") as unknown as { out: { json: string } }).out;
  return TOKEN_ENVELOPE + Buffer.from(writeGzipMember(Buffer.from(json.padEnd(size)))).toString("base64url");
}

async function manifestOf(size: number): Promise<Uint8Array> {
  const { vault, signingKey } = await openFirst();
  const sized = (note: string) => encodeManifest({ ...vault.manifest, note }, signingKey);
  return sized("n".repeat(size - sized("").length));
}

function parseWith(change: (manifest: ManifestJson) => Partial<ManifestJson>): unknown {
  const manifest = parseManifest(FIRST_BYTES).manifest as ManifestJson;
  const [, signature = ""] = FIRST.objects.manifest.utf8.split("\n\n");
  return parseManifest(Buffer.from(`${JSON.stringify({ ...manifest, ...change(manifest) })}\n\n${signature}`));
}

function others(count: number): ManifestJson["unlock"] {
  return Array.from({ length: count }, () => ({ kind: "other" }));
}

function repeated(unlock: ManifestJson["unlock"], count: number): ManifestJson["unlock"] {
  return Array.from({ length: count }, (_, at) => ({ ...unlock[0], slot: `p${at}` }));
}

async function openFileOf(mode: number): Promise<unknown> {
  const { vault, signingKey } = await openFirst();
  const item = { id: "00".repeat(8), name: "f", kind: "file", mode, data: Secret.ofText("") } as const;
  const contents = { vault: vault.manifest.vault, gen: 2, entries: vault.manifest.unlock, signingKey, items: [item] };
  const bytes = await sealBundle({ bytes: (length) => new Uint8Array(length).fill(7) }, contents);
  return openBundle(bytes, contents, (header) => vault.unlocked.openSlot(header));
}

/** The rows of the table with this head in the section on limits: the first cell and the numbers in the second. */
function numbers(head: string): readonly (readonly [string, readonly number[]])[] {
  const rows = DOC.slice(DOC.indexOf("## 8. Limits")).split(`\n| ${head} |`, 2)[1]?.split("\n\n")[0]?.split("\n") ?? [];
  return rows.slice(2).map((row) => {
    const [, label = "", value = ""] = row.split("|").map((cell) => cell.trim());
    return [label, (value.match(/\d+/g) ?? []).map(Number)];
  });
}

async function refuses(accepts: Accepts, size: number): Promise<boolean> {
  return Promise.resolve(size)
    .then(accepts)
    .then(
      () => false,
      () => true,
    );
}

describe("the limits", () => {
  const stated = Object.fromEntries(numbers("limit"));

  test("the table has a row for each", () => {
    expect(Object.keys(stated).toSorted()).toEqual(Object.keys(LIMITS).toSorted());
  });

  test.each(Object.entries(LIMITS).filter(([label]) => label !== "box"))("%s", async (label, accepts) => {
    const [most = Number.NaN, least = null] = (stated[label] ?? []).toReversed();
    expect(await refuses(accepts, most)).toBe(false);
    expect(await refuses(accepts, most + 1)).toBe(true);
    if (least === null) return;
    expect(await refuses(accepts, least)).toBe(false);
    expect(await refuses(accepts, least - 1)).toBe(true);
  });

  test("box", () => {
    expect(stated["box"]).toEqual([BOX_OVERHEAD_BYTES]);
  });

  test("defaults", () => {
    expect(Object.fromEntries(numbers("default"))).toEqual({
      "Argon2id memory": [DEFAULT_COST.memoryKiB],
      "Argon2id iterations": [DEFAULT_COST.iterations],
      "Argon2id parallelism": [DEFAULT_COST.parallelism],
      salt: [SALT_BYTES],
    });
  });

  test("the bounds in the text are those of the table", () => {
    const between = (label: string) => (stated[label] ?? []).join("…");
    expect(PROSE).toContain(`memory ${between("Argon2id memory")} KiB, iterations ${between("Argon2id iterations")}, `);
    expect(PROSE).toContain(`parallelism ${between("Argon2id parallelism")}, salt ${between("salt")} bytes.`);
    expect(PROSE).toContain(`at most ${between("bundle")} bytes (64 MiB).`);
    expect(PROSE).toContain(`at most ${between("manifest")} bytes (1 MiB)`);
    expect(PROSE).toContain(`more than ${between("token, inflated")} bytes of content.`);
  });
});
