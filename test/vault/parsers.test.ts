import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sealBox } from "../../src/crypto/box.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { parseNote } from "../../src/crypto/note.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { generateSigningKey } from "../../src/crypto/signing.ts";
import { deriveIndexKey, deriveRootKey } from "../../src/crypto/subkeys.ts";
import {
  AuditBrokenError,
  BundleCorruptError,
  NotAuthenticError,
  UnsupportedSpecVersionError,
  WrongPassphraseError,
} from "../../src/errors.ts";
import { parseAuditRow } from "../../src/vault/format/audit-row.ts";
import { aadOf, type BundleHeader, parseBundle } from "../../src/vault/format/bundle-header.ts";
import { encodeManifest, parseManifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { OpenedVault } from "../../src/vault/open/open.ts";
import { type OpenSlot, openBundle } from "../../src/vault/open/open-bundle.ts";
import { mutatedBytes, mutatedJson, sampled } from "../support/samples.ts";
import { HOUR_MS, NEW, OLD, secretItems, World } from "../support/world.ts";

/** A vault at generation 3, inside a grace window, with a note, meta, an empty secret and a file. */
let world: World;
let vault: OpenedVault;
/** A manifest of every generation, oldest first. */
const manifests: Uint8Array[] = [];

function objectAt(key: string): Uint8Array {
  return world.store.bucket.get(key)?.bytes ?? expect.unreachable(`no ${key}`);
}

beforeAll(async () => {
  world = await World.empty();
  const file = {
    name: "conf/app.bin",
    kind: "file",
    mode: 0o640,
    data: Secret.ofBytes(Uint8Array.of(0, 255)),
  } as const;
  const annotation = { note: "über \u{1f511} \u2028", meta: { b: [1, { a: null }], a: true } };
  await world.push([...secretItems({ A: "1", EMPTY: "" }), file], annotation);
  manifests.push(objectAt(MANIFEST_KEY));
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  manifests.push(objectAt(MANIFEST_KEY));
  await world.set({ B: "2" }, { by: NEW });
  manifests.push(objectAt(MANIFEST_KEY));
  vault = await world.open(NEW);
});

/** What `read` gives, or null where it refuses in one of the ways it may. */
function readOrRefuse<T>(read: () => T, refusals: readonly (new (...args: never[]) => Error)[]): T | null {
  try {
    return read();
  } catch (error) {
    expect(refusals.some((refusal) => error instanceof refusal) ? null : error).toBeNull();
    return null;
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Puts other JSON below the signature line of a signed note. */
function withJson(note: Uint8Array, value: unknown): Uint8Array {
  const text = textOf(note);
  return bytesOf(`${JSON.stringify(value)}\n${text.slice(text.lastIndexOf("\n\n") + 1)}`);
}

function jsonOf(note: Uint8Array): unknown {
  return JSON.parse(parseNote(note, "the note").text);
}

describe("the manifest", () => {
  const anyKey = generateSigningKey();

  function expectReencodes(bytes: Uint8Array): boolean {
    const parsed = readOrRefuse(() => parseManifest(bytes), [NotAuthenticError, UnsupportedSpecVersionError]);
    if (parsed === null) return false;
    const { note, manifest } = parsed;
    const signature = encodeBase64(Buffer.concat([note.keyId, note.signature]));
    expect(bytesOf(`${note.text}\n\u2014 ${note.name} ${signature}\n`)).toEqual(new Uint8Array(bytes));
    expect(`${JSON.stringify(JSON.parse(note.text))}\n`).toBe(note.text);
    expect(JSON.parse(parseNote(encodeManifest(manifest, anyKey), "it").text)).toEqual(JSON.parse(note.text));
    return true;
  }

  test("of every generation re-encodes to the same bytes", () => {
    for (const bytes of manifests) {
      expect(expectReencodes(bytes)).toBe(true);
      expect(parseNote(encodeManifest(parseManifest(bytes).manifest, anyKey), "it").text).toBe(
        parseNote(bytes, "it").text,
      );
    }
  });

  test("with altered bytes: is refused as what it is, or re-encodes to these very bytes", () => {
    for (const bytes of manifests) fc.assert(fc.property(mutatedBytes(bytes), expectReencodesOrRefuses), sampled(1000));
  });

  test("with altered fields: likewise", () => {
    for (const bytes of manifests) {
      const altered = mutatedJson(jsonOf(bytes)).map((json) => withJson(bytes, json));
      fc.assert(fc.property(altered, expectReencodesOrRefuses), sampled(1000));
    }
  });

  function expectReencodesOrRefuses(bytes: Uint8Array): void {
    expectReencodes(bytes);
  }

  test("opens a vault with no byte altered", async () => {
    const genuine = manifests[2] ?? expect.unreachable();
    const either = fc.oneof(
      mutatedBytes(genuine),
      mutatedJson(jsonOf(genuine)).map((json) => withJson(genuine, json)),
    );
    await fc.assert(
      fc.asyncProperty(either, async (bytes) => {
        fc.pre(Buffer.compare(bytes, genuine) !== 0);
        const fork = world.fork();
        fork.store.bucket.set(MANIFEST_KEY, { bytes, version: sha256Hex(bytes) });
        const error = await fork.open(NEW).then(
          () => null,
          (reason: unknown) => reason,
        );
        const refusals = [NotAuthenticError, UnsupportedSpecVersionError, WrongPassphraseError];
        expect(refusals.some((refusal) => error instanceof refusal) ? null : error).toBeNull();
        expect(error).not.toBeNull();
      }),
      sampled(400),
    );
  });
});

describe("the bundle", () => {
  const refusals = [BundleCorruptError, UnsupportedSpecVersionError];

  function genuine(): Uint8Array {
    return objectAt(vault.manifest.bundle.key);
  }

  function split(bytes: Uint8Array): { header: BundleHeader; boxes: Uint8Array } {
    const end = bytes.indexOf(0x0a);
    return { header: JSON.parse(textOf(bytes.subarray(0, end))), boxes: bytes.subarray(end + 1) };
  }

  function joined(header: unknown, boxes: Uint8Array): Uint8Array {
    return Buffer.concat([bytesOf(`${JSON.stringify(header)}\n`), boxes]);
  }

  const openSlot: OpenSlot = (header) => vault.unlocked.openSlot(header);

  const plain = (items: OpenedVault["bundle"]["items"]) =>
    items.map(({ data, ...item }) => ({ ...item, data: Buffer.from(data.expose()).toString("hex") }));

  /** Whoever alters a bundle gets it refused, or has altered nothing that its reader looks at. */
  async function expectSameOrRefused(bytes: Uint8Array): Promise<void> {
    const opened = await openBundle(bytes, vault.manifest, openSlot).catch((error: unknown) => {
      expect(refusals.some((refusal) => error instanceof refusal) ? null : error).toBeNull();
      return null;
    });
    if (opened !== null) expect(plain(opened.items)).toEqual(plain(vault.bundle.items));
  }

  test("of every generation re-encodes to the same bytes", () => {
    for (const { gen, bundle } of manifests.map((bytes) => parseManifest(bytes).manifest)) {
      const bytes = objectAt(bundle.key);
      const { header, boxes } = parseBundle(bytes, vault.manifest.vault, gen);
      expect(joined(header, Buffer.concat(boxes))).toEqual(Buffer.from(bytes));
    }
  });

  test("with altered bytes", async () => {
    await fc.assert(fc.asyncProperty(mutatedBytes(genuine()), expectSameOrRefused), sampled(500));
  });

  test("with altered fields of its header", async () => {
    const { header, boxes } = split(genuine());
    const altered = mutatedJson(header).map((json) => joined(json, boxes));
    await fc.assert(fc.asyncProperty(altered, expectSameOrRefused), sampled(500));
  });

  test("with a header that promises more than there is", () => {
    const { header, boxes } = split(genuine());
    const { vault: id, gen } = vault.manifest;
    for (const size of [2 ** 53 - 1, 2 ** 40, 2 ** 32, 27, 0]) {
      const items = Array.from({ length: 3 }, (_, at) => ({ id: `000000000000000${at}`, size }));
      expect(readOrRefuse(() => parseBundle(joined({ ...header, items }, boxes), id, gen), refusals)).toBeNull();
    }
  });

  test("with an altered index, well sealed", async () => {
    const { header, boxes } = split(genuine());
    const rootKey = vault.bundle.keys.rootKey.expose();
    const index = vault.bundle.items.map(({ id, name, kind, mode }) => ({
      id,
      name,
      kind,
      ...(mode === undefined ? {} : { mode }),
    }));
    const seen = { opened: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutatedJson({ items: index }), async (json) => {
        const box = sealBox(
          world.random,
          deriveIndexKey(rootKey),
          aadOf(header, "index"),
          bytesOf(JSON.stringify(json)),
        );
        const bytes = joined({ ...header, index: encodeBase64(box) }, boxes);
        const opened = await openBundle(bytes, header, openSlot).catch((error: unknown) => {
          expect(error).toBeInstanceOf(BundleCorruptError);
        });
        if (opened === undefined) {
          seen.refused++;
          return;
        }
        seen.opened++;
        const items = opened.items.map(({ data: _data, ...item }) => item);
        expect({ items }).toEqual(json);
        expect(items.map(({ id }) => id).toSorted()).toEqual(header.items.map(({ id }) => id).toSorted());
      }),
      sampled(500),
    );
    expect(seen.opened).toBeGreaterThan(20);
    expect(seen.refused).toBeGreaterThan(200);
  });

  test("the root key is not the operator key", () => {
    const { rootKey, operatorKey } = vault.bundle.keys;
    if (operatorKey === null) throw new TypeError("a reader slot");
    expect(deriveRootKey(operatorKey.expose())).toEqual(new Uint8Array(rootKey.expose()));
    expect(Buffer.compare(operatorKey.expose(), rootKey.expose())).not.toBe(0);
  });
});

describe("an audit row", () => {
  test.each([1, 2, 3])("%i, altered in any way, is refused under its own number", (gen) => {
    const genuine = objectAt(auditKey(gen));
    const expectation = {
      vault: vault.manifest.vault,
      gen,
      signer: parseManifest(manifests[gen - 1] ?? genuine).manifest.signer,
    };
    expect(parseAuditRow(genuine, expectation).row.gen).toBe(gen);
    const either = fc.oneof(
      mutatedBytes(genuine),
      mutatedJson(jsonOf(genuine)).map((json) => withJson(genuine, json)),
    );
    fc.assert(
      fc.property(either, (bytes) => {
        fc.pre(Buffer.compare(bytes, genuine) !== 0);
        expect(() => parseAuditRow(bytes, expectation)).toThrow(AuditBrokenError);
        expect(() => parseAuditRow(bytes, expectation)).toThrow(expect.objectContaining({ row: gen }));
      }),
      sampled(700),
    );
  });

  test("re-encodes to the same bytes", () => {
    for (const gen of [1, 2, 3]) {
      const { text } = parseNote(objectAt(auditKey(gen)), "the row");
      expect(`${JSON.stringify(JSON.parse(text))}\n`).toBe(text);
    }
  });
});
