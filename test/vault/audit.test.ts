import { beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { signNote } from "../../src/crypto/note.ts";
import { AuditBrokenError } from "../../src/errors.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { type WritableVault } from "../../src/vault/commit/open-for-commit.ts";
import { encodeAuditRow, parseAuditRow } from "../../src/vault/format/audit-row.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { MemoryStore } from "../support/memory-store.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

const GENERATIONS = [1, 2, 3, 4, 5, 6];

let world: World;
let manifest: Manifest;
/** The vault as it stood at each generation, by its number. */
const stood = new Map<number, WritableVault>();

beforeAll(async () => {
  world = await World.pushed({ A: "1" });
  const note = async (passphrase: string) => {
    const writable = await world.writable(passphrase);
    ({ manifest } = writable.vault);
    stood.set(manifest.gen, writable);
  };
  await note(OLD);
  await world.push({ A: "2" });
  await note(OLD);
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  await note(NEW);
  await world.push({ A: "4" }, { by: NEW });
  await note(NEW);
  await world.rotate(NEW, OLD);
  await note(OLD);
  await world.push({ A: "6" });
  await note(OLD);
});

function rowBytes(gen: number): Uint8Array {
  return world.store.bucket.get(auditKey(gen))?.bytes ?? expect.unreachable(`no row ${gen}`);
}

function put(store: MemoryStore, key: string, bytes: Uint8Array): void {
  store.bucket.set(key, { bytes, version: sha256Hex(bytes) });
}

/** The row at fault, after `tamper` has had its way with a copy of the store. */
async function faultAfter(tamper: (store: MemoryStore) => void): Promise<number> {
  const { store } = world.fork();
  tamper(store);
  const error = await rejection(verifyAudit(store, manifest));
  expect(error).toBeInstanceOf(AuditBrokenError);
  return (error as AuditBrokenError).row;
}

test("six rows over two rotations verify", async () => {
  const { rows, outstanding } = await world.verify(manifest);
  expect(outstanding).toBeNull();
  expect(rows.map((row) => [row.gen, row.action])).toEqual([
    [6, "push"],
    [5, "rotate"],
    [4, "push"],
    [3, "rotate"],
    [2, "push"],
    [1, "push"],
  ]);
});

describe.each(GENERATIONS)("row %i", (gen) => {
  test("each of its bytes counts", async () => {
    const genuine = rowBytes(gen);
    for (let at = 0; at < genuine.length; at += 7) {
      const altered = Uint8Array.from(genuine, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(await faultAfter((store) => put(store, auditKey(gen), altered))).toBe(gen);
    }
  });

  test("cut, longer, empty, or another generation's", async () => {
    const genuine = rowBytes(gen);
    const others = GENERATIONS.filter((other) => other !== gen).map(rowBytes);
    const longer = Buffer.concat([genuine, Buffer.from("\n")]);
    for (const bytes of [genuine.subarray(0, -1), longer, new Uint8Array(), ...others]) {
      expect(await faultAfter((store) => put(store, auditKey(gen), bytes))).toBe(gen);
    }
  });

  test("gone: broken, but for the manifest's own, which is outstanding", async () => {
    const { store } = world.fork();
    store.bucket.delete(auditKey(gen));
    const verified = verifyAudit(store, manifest);
    if (gen === manifest.gen) expect(await verified).toMatchObject({ outstanding: gen, rows: { length: gen - 1 } });
    else expect(await rejection(verified)).toMatchObject({ row: gen, message: `audit row ${gen} is missing` });
  });

  test("and all below it gone: the newest that is missing is named", async () => {
    const gone = GENERATIONS.filter((it) => it <= gen && it < manifest.gen);
    const newest = Math.max(...gone);
    expect(await faultAfter((store) => gone.forEach((it) => store.bucket.delete(auditKey(it))))).toBe(newest);
  });

  test("with the manifest of its generation put back: every newer row is one too many", async () => {
    if (gen === manifest.gen) return expect(await world.verify(manifest)).toBeDefined();
    const { vault } = stood.get(gen) ?? expect.unreachable();
    const { store } = world.fork();
    put(store, MANIFEST_KEY, vault.bytes);
    expect(await rejection(verifyAudit(store, vault.manifest))).toMatchObject({
      row: manifest.gen,
      message: `audit row ${manifest.gen} is newer than the manifest: manifest rolled back`,
    });
  });

  test("verified under a manifest that was read before newer commits came: no fault", async () => {
    const { vault } = stood.get(gen) ?? expect.unreachable();
    const { rows, outstanding } = await world.verify(vault.manifest);
    expect({ rows: rows.length, outstanding }).toEqual({ rows: gen, outstanding: null });
  });
});

describe("rewritten by someone who holds the signing keys", () => {
  /** The row of `gen`, well signed, with another note, and linked to `previous` where that is given. */
  function forgedRow(gen: number, previous?: Uint8Array): Uint8Array {
    const { vault, signingKey } = stood.get(gen) ?? expect.unreachable();
    const audit = previous === undefined ? vault.manifest.audit : { gen: gen - 1, sha256: sha256Hex(previous) };
    const forged = { ...vault.manifest, note: "forged", ...(audit === undefined ? {} : { audit }) };
    return encodeAuditRow(forged, signingKey);
  }

  test.each(GENERATIONS)("row %i alone", async (gen) => {
    expect(await faultAfter((store) => put(store, auditKey(gen), forgedRow(gen)))).toBe(gen);
  });

  test.each(GENERATIONS)("rows 1 to %i, linked to one another", async (newest) => {
    const row = await faultAfter((store) => {
      let previous: Uint8Array | undefined;
      for (const gen of GENERATIONS.slice(0, newest)) {
        previous = forgedRow(gen, previous);
        put(store, auditKey(gen), previous);
      }
    });
    expect(row).toBe(newest);
  });

  test.each([
    ["the newest one", GENERATIONS.slice(4, 5)],
    ["all of them, linked to one another", GENERATIONS.slice(0, 5)],
  ])("the rows below an outstanding one, %s: the manifest itself names the newest", async (_name, gens) => {
    const { store } = world.fork();
    store.bucket.delete(auditKey(6));
    let previous: Uint8Array | undefined;
    for (const gen of gens) {
      previous = forgedRow(gen, previous);
      put(store, auditKey(gen), previous);
    }
    expect(await rejection(verifyAudit(store, manifest))).toMatchObject({
      name: "AuditBrokenError",
      row: 5,
      message: "audit row 5 is not the one that was linked",
    });
  });
});

describe("a row by itself, well signed", () => {
  const OTHER_VAULT = "AAAAAAAAAAAAAAAAAAAAAA";
  const DIGEST = "0".repeat(64);
  const cases: readonly [string, Partial<Manifest>, string][] = [
    ["of another vault", { vault: OTHER_VAULT }, "is of another vault"],
    ["of another generation", { gen: 5, prev_gen: 4 }, "is of another generation"],
    ["that follows no generation", { prev_gen: 2 }, "is of another generation"],
    ["of a later generation under this number", { gen: 4, prev_gen: 2 }, "is of another generation"],
    ["that names another signer", { signer: Buffer.alloc(32).toString("base64") }, "names another signer"],
  ];
  test.each(cases)("%s", (_name, altered, said) => {
    const { vault, signingKey } = stood.get(4) ?? expect.unreachable();
    const expectation = { vault: vault.manifest.vault, gen: 4, signer: vault.manifest.signer };
    expect(parseAuditRow(encodeAuditRow(vault.manifest, signingKey), expectation).row.gen).toBe(4);
    const row = encodeAuditRow({ ...vault.manifest, ...altered }, signingKey);
    expect(() => parseAuditRow(row, expectation)).toThrow(`audit row 4 ${said}`);
  });

  test("of a later format: upgrade", () => {
    const { vault, signingKey } = stood.get(4) ?? expect.unreachable();
    const { vault: id, signer } = vault.manifest;
    const text = Buffer.from(encodeAuditRow(vault.manifest, signingKey)).toString().split("\n")[0] ?? "";
    const later = signNote(`${text.replace("vsync-audit-v1", "vsync-audit-v2")}\n`, `vsync/${id}`, signingKey);
    expect(() => parseAuditRow(later, { vault: id, gen: 4, signer })).toThrow(
      expect.objectContaining({
        name: "AuditBrokenError",
        row: 4,
        message: 'audit row 4 has the unknown format "vsync-audit-v2"',
        hint: "upgrade vsync: a later version may have written this vault",
      }),
    );
  });

  test("says where to look, and leaves faults of the program what they are", () => {
    const { vault, signingKey } = stood.get(4) ?? expect.unreachable();
    const row = encodeAuditRow(vault.manifest, signingKey);
    const { signer } = vault.manifest;
    const hint =
      "rows are never rewritten: look at who can write the bucket, and at its object versions if it keeps them";
    const other = { vault: OTHER_VAULT, gen: 4, signer };
    expect(() => parseAuditRow(row, other)).toThrow(expect.objectContaining({ hint, row: 4 }));
    const failed = new TypeError("a fault of the program");
    const failing = {
      ...other,
      get vault(): string {
        throw failed;
      },
    };
    expect(() => parseAuditRow(row, failing)).toThrow(failed);
  });

  test("that links where it must not, or does not where it must", () => {
    for (const [gen, audit] of [
      [1, { gen: 0, sha256: DIGEST }],
      [4, undefined],
    ] as const) {
      const { vault, signingKey } = stood.get(gen) ?? expect.unreachable();
      const { audit: _audit, ...unlinked } = vault.manifest;
      const row = encodeAuditRow({ ...unlinked, ...(audit === undefined ? {} : { audit }) }, signingKey);
      const expectation = { vault: vault.manifest.vault, gen, signer: vault.manifest.signer };
      expect(() => parseAuditRow(row, expectation)).toThrow(`audit row ${gen} does not link`);
    }
  });
});

describe("two rows at fault: the newer is named, for the older hangs on it", () => {
  test.each([
    [2, 4],
    [1, 5],
    [3, 4],
  ])("%i and %i", async (older, newer) => {
    const row = await faultAfter((store) => {
      put(store, auditKey(older), rowBytes(6));
      put(store, auditKey(newer), rowBytes(6));
    });
    expect(row).toBe(newer);
  });
});

test("two rows traded", async () => {
  const row = await faultAfter((store) => {
    put(store, auditKey(2), rowBytes(4));
    put(store, auditKey(4), rowBytes(2));
  });
  expect(row).toBe(4);
});

test("other names below audit/ are ignored, on both sides of the rows", async () => {
  const { store } = world.fork();
  for (const name of [
    "0",
    "000000000006.bak",
    "0000000000060",
    "00000000000a",
    "x",
    "README",
    "999",
    "sub/000000000009",
  ]) {
    put(store, `audit/${name}`, rowBytes(1));
  }
  expect(await verifyAudit(store, manifest)).toMatchObject({ outstanding: null, rows: { length: 6 } });
});

test("a chain that is broken is not written on: neither by a commit nor by reconcile", async () => {
  const fork = world.fork();
  put(fork.store, auditKey(6), rowBytes(5));
  const { bucket } = fork.fork().store;
  expect(await rejection(fork.push({ A: "7" }))).toMatchObject({ name: "AuditBrokenError", row: 6 });
  expect(await rejection(fork.rotate(OLD, NEW))).toMatchObject({ name: "AuditBrokenError", row: 6 });
  expect(await rejection(fork.reconcile())).toMatchObject({ name: "AuditBrokenError", row: 6 });
  expect(fork.store.bucket).toEqual(bucket);
});
