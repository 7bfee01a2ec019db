import { beforeAll, describe, expect, test, vi } from "vitest";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { AuditBrokenError, S3UnreachableError, WrongPassphraseError } from "../../../src/errors.ts";
import type { WritableVault } from "../../../src/vault/commit/open-for-commit.ts";
import { encodeAuditRow } from "../../../src/vault/format/audit-row.ts";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../../support/world.ts";

/** Six generations over two rotations, an hour apart; at the end the passphrase is OLD again. */
let world: World;
let manifest: Manifest;
/** The vault at each generation, by number. */
const stood = new Map<number, WritableVault>();
const GENERATIONS = [1, 2, 3, 4, 5, 6];

beforeAll(async () => {
  world = await World.pushed({ A: "1" });
  const keep = async (passphrase = OLD) => {
    const writable = await world.writable(passphrase);
    ({ manifest } = writable.vault);
    stood.set(manifest.gen, writable);
    world.clock.ms += HOUR_MS;
  };
  await keep();
  await world.push({ A: "2" });
  await keep();
  await world.rotate(OLD, NEW, { graceMs: 9 * HOUR_MS });
  await keep(NEW);
  await world.finish({ by: NEW });
  await keep(NEW);
  await world.rotate(NEW, OLD);
  await keep();
  await world.set({ A: "6" });
  await keep();
});

function stoodAt(gen: number): WritableVault {
  return stood.get(gen) ?? expect.unreachable(`generation ${gen}`);
}

/** The row that verification names after `tamper` has changed a copy of the world. */
async function faultAfter(tamper: (fork: World) => unknown): Promise<number> {
  const fork = world.fork();
  tamper(fork);
  const error = await rejection(fork.verify(manifest));
  expect(error).toBeInstanceOf(AuditBrokenError);
  return (error as AuditBrokenError).row;
}

/** The row of `gen` with another note, signed with the key of its time, and linked to `previous` if given. */
function forgedRow(gen: number, previous?: Uint8Array): Uint8Array {
  const { vault, signingKey } = stoodAt(gen);
  const audit = previous === undefined ? vault.manifest.audit : { gen: gen - 1, sha256: sha256Hex(previous) };
  return encodeAuditRow({ ...vault.manifest, note: "forged", ...(audit === undefined ? {} : { audit }) }, signingKey);
}

describe("an intact chain", () => {
  test("verifies across rotations, newest row first", async () => {
    const { rows, outstanding } = await world.verify(manifest);
    expect(outstanding).toBeNull();
    expect(rows.map((row) => [row.gen, row.action])).toEqual([
      [6, "set"],
      [5, "rotate"],
      [4, "finish"],
      [3, "rotate"],
      [2, "push"],
      [1, "push"],
    ]);
    expect(rows.map((row) => row.prev_signer ?? null)).toEqual([
      null,
      stoodAt(4).vault.manifest.signer,
      null,
      stoodAt(2).vault.manifest.signer,
      null,
      null,
    ]);
  });

  test("links each manifest to the manifest and the row before it, and tells when the vault was last rotated", () => {
    const manifests = GENERATIONS.map((gen) => stoodAt(gen).vault.manifest);
    expect(manifests.map(({ at, rotated_at }) => [at.slice(11, 13), rotated_at.slice(11, 13)])).toEqual([
      ["00", "00"],
      ["01", "00"],
      ["02", "02"],
      ["03", "02"],
      ["04", "04"],
      ["05", "04"],
    ]);
    expect(manifests[0]).not.toHaveProperty("prev");
    expect(manifests[0]).not.toHaveProperty("audit");
    for (const { gen, prev, audit } of manifests.slice(1)) {
      expect(prev).toBe(stoodAt(gen - 1).vault.sha256);
      expect(audit).toEqual({ gen: gen - 1, sha256: sha256Hex(world.bytes(auditKey(gen - 1))) });
    }
  });

  test.each(GENERATIONS)(
    "verifies under the manifest of generation %i too: newer commits are not a fault",
    async (gen) => {
      const { rows, outstanding } = await world.verify(stoodAt(gen).vault.manifest);
      expect([rows.length, outstanding]).toEqual([gen, null]);
    },
  );

  test("may have other objects beside its rows", async () => {
    const fork = world.fork();
    for (const name of ["0", "000000000006.bak", "0000000000060", "00000000000a", "README", "sub/000000000009"]) {
      fork.tamper(`audit/${name}`, world.bytes(auditKey(1)));
    }
    expect(await fork.verify(manifest)).toMatchObject({ outstanding: null, rows: { length: 6 } });
    fork.tamper(auditKey(6), null);
    expect(await fork.verify(manifest)).toMatchObject({ outstanding: 6, rows: { length: 5 } });
  });
});

// The vectors in test/vectors/data/audit alter, drop, trade and rewrite rows; here each generation takes its turn.
test.each(GENERATIONS)(
  "row %i is named if it is altered, another's, missing, or rewritten with its own key",
  async (gen) => {
    const genuine = world.bytes(auditKey(gen));
    const flipped = genuine.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
    for (const bytes of [flipped, world.bytes(auditKey((gen % 6) + 1)), forgedRow(gen)]) {
      expect(await faultAfter((fork) => fork.tamper(auditKey(gen), bytes))).toBe(gen);
    }
    const verified = world.fork().tamper(auditKey(gen), null).verify(manifest);
    if (gen === manifest.gen) expect(await verified).toMatchObject({ outstanding: gen, rows: { length: gen - 1 } });
    else expect(await rejection(verified)).toMatchObject({ row: gen, message: `audit row ${gen} is missing` });
  },
);

test("of rewritten rows that link to one another, the newest is named, even below an outstanding row", async () => {
  for (const [newest, isOutstanding] of [
    [4, false],
    [6, false],
    [5, true],
  ] as const) {
    const row = await faultAfter((fork) => {
      if (isOutstanding) fork.tamper(auditKey(6), null);
      let previous: Uint8Array | undefined;
      for (const gen of GENERATIONS.slice(0, newest)) {
        previous = forgedRow(gen, previous);
        fork.tamper(auditKey(gen), previous);
      }
    });
    expect(row).toBe(newest);
  }
});

test("a bad signature is reported before the faults of older rows", async () => {
  const genuine = world.bytes(auditKey(6));
  const at = genuine.length - 20;
  const forged = genuine.with(at, genuine[at] === 0x41 ? 0x42 : 0x41);
  const fork = world.fork().tamper(auditKey(6), forged).tamper(auditKey(5), null);
  expect(await rejection(fork.verify(manifest))).toMatchObject({
    row: 6,
    message: "audit row 6 is not signed by the vault's signer",
  });
});

test("of several bad signatures, the newest is named, even in a long log", async () => {
  const { vault, signingKey } = stoodAt(1);
  const fork = world.fork();
  let newest = vault.manifest;
  for (let gen = 1; gen <= 70; gen++) {
    const row = encodeAuditRow(newest, signingKey);
    if (gen === 68 || gen === 69) row.set(row.slice(-40, -30), row.length - 30);
    fork.tamper(auditKey(gen), row);
    if (gen < 70) newest = { ...newest, gen: gen + 1, prev_gen: gen, audit: { gen, sha256: sha256Hex(row) } };
  }
  expect(await rejection(fork.verify(newest))).toMatchObject({ row: 69 });
});

describe("a row that is newer than the manifest", () => {
  test("shows that an older manifest was put back", async () => {
    const { vault } = stoodAt(3);
    const fork = world.fork().tamper(MANIFEST_KEY, vault.bytes);
    expect(await rejection(fork.verify(vault.manifest))).toMatchObject({
      name: "AuditBrokenError",
      row: 6,
      message: "audit row 6 is newer than the manifest: manifest rolled back",
      hint: "somebody restored an older manifest: check who can write to the bucket, then restore the newest version of the manifest",
    });
  });

  test("is reported even if the manifest has been removed since", async () => {
    const fork = world.fork().tamper(MANIFEST_KEY, null);
    expect(await rejection(fork.verify(stoodAt(5).vault.manifest))).toMatchObject({ row: 6 });
  });
});

test.each([
  [1024 * 1024, "audit row 6 is not a signed note"],
  [1024 * 1024 + 1, "audit row 6 is larger than 1 MiB"],
])("a row of %i bytes: %s", async (length, message) => {
  const fork = world.fork().tamper(auditKey(6), new Uint8Array(length).fill(0x20));
  expect(await rejection(fork.verify(manifest))).toMatchObject({ name: "AuditBrokenError", row: 6, message });
});

test("nothing is committed on a broken chain, nor appended to it", async () => {
  const fork = world.fork().tamper(auditKey(6), world.bytes(auditKey(5)));
  const before = fork.objects();
  for (const act of [() => fork.push({ A: "7" }), () => fork.rotate(OLD, NEW), () => fork.reconcile()]) {
    expect(await rejection(act())).toMatchObject({ name: "AuditBrokenError", row: 6 });
  }
  expect(fork.objects()).toEqual(before);
});

describe("readAudit", () => {
  const gensOf = async (of: World, tail?: number) => (await of.audit({ tail })).rows.map(({ gen }) => gen);

  test("gives the rows oldest first, all of them or the newest", async () => {
    expect(await gensOf(world)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await gensOf(world, 1)).toEqual([6]);
    expect(await gensOf(world, 6)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await gensOf(world, 9)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("verifies no older rows than it gives, and none before the vault has opened", async () => {
    const fork = world.fork().tamper(auditKey(3), null);
    expect(await gensOf(fork, 3)).toEqual([4, 5, 6]);
    expect(await rejection(fork.audit({ tail: 4 }))).toBeInstanceOf(AuditBrokenError);
    expect(await rejection(fork.audit({ by: "wrong" }))).toBeInstanceOf(WrongPassphraseError);
  });

  test("tells which row is outstanding", async () => {
    expect(await world.audit()).toMatchObject({ outstanding: null, manifest: { gen: 6 } });
    expect(await world.fork().tamper(auditKey(6), null).audit()).toMatchObject({ outstanding: 6, rows: { length: 5 } });
    const first = (await World.pushed()).tamper(auditKey(1), null);
    expect(await first.audit()).toMatchObject({ outstanding: 1, rows: [] });
  });
});

describe("the requests for a long log", () => {
  const LENGTH = 80;
  let long: World;
  let newest: Manifest;
  beforeAll(async () => {
    long = await World.pushed();
    for (let gen = 2; gen <= LENGTH; gen++) await long.push({ A: String(gen) });
    newest = await long.manifest();
  });

  test("are one list from the manifest on, and one GET a row, no further down than asked", async () => {
    const fork = long.fork();
    const list = vi.spyOn(fork.store, "list");
    const { signal } = new AbortController();
    await fork.verify(newest, { signal, downTo: 78 });
    expect(list.mock.calls).toEqual([["audit/", { signal, startAfter: auditKey(79) }]]);
    expect(fork.requests).toEqual(["list audit/", ...[80, 79, 78].map((gen) => `get ${auditKey(gen)}`)]);
  });

  test("stop listing after the last key that a row can have", async () => {
    const keys = [auditKey(80), auditKey(999_999_999_999), "audit/a", "audit/b"];
    const listed: string[] = [];
    async function* list() {
      for (const key of keys) {
        listed.push(key);
        yield key;
      }
    }
    const machine = long.with({ store: long.storeWith({ list }) });
    expect(await rejection(machine.verify(newest))).toMatchObject({ row: 999_999_999_999 });
    expect(listed).toEqual(keys.slice(0, 3));
  });

  test("run up to 64 ahead, with answers in any order", async () => {
    let pending = 0;
    let most = 0;
    const fork = long.fork().failing({
      before: async ({ operation }) => {
        if (operation !== "get") return;
        pending += 1;
        most = Math.max(most, pending);
        for (let turns = pending % 3; turns >= 0; turns--) await new Promise(setImmediate);
        pending -= 1;
      },
    });
    const { rows } = await fork.verify(newest);
    expect(rows.map(({ gen }) => gen)).toEqual(Array.from({ length: LENGTH }, (_, at) => LENGTH - at));
    expect(most).toBeGreaterThan(32);
    expect(most).toBeLessThanOrEqual(64);
    expect(fork.requests).toHaveLength(1 + LENGTH);
  });

  const failingAt = (gen: number) =>
    long.fork().failing({
      before: async ({ key }) => {
        if (key === auditKey(gen)) throw new S3UnreachableError("the network is gone");
        if (key === auditKey(76)) for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      },
    });

  test("fail when the row's turn comes: a newer row's fault is named first", async () => {
    expect(await rejection(failingAt(60).verify(newest))).toBeInstanceOf(S3UnreachableError);
    const fork = failingAt(60).tamper(auditKey(76), null);
    expect(await rejection(fork.verify(newest))).toMatchObject({ name: "AuditBrokenError", row: 76 });
    expect(fork.requests.length).toBeLessThan(LENGTH);
  });

  test("are aborted when the walk ends, at a fault or not", async () => {
    for (const fork of [long.fork(), long.fork().tamper(auditKey(76), null)]) {
      const get = vi.spyOn(fork.store, "get");
      await fork.verify(newest).catch(() => {});
      const aborted = get.mock.calls.map(([, { signal }]) => signal?.aborted);
      expect(aborted).toEqual(aborted.map(() => true));
      expect(aborted.length).toBeGreaterThan(4);
    }
  });

  test("end with the caller's reason when the caller aborts", async () => {
    const caller = new AbortController();
    const fork = long.fork().failing({
      before: ({ key }) => {
        if (key === auditKey(20)) caller.abort("no longer wanted");
      },
    });
    await expect(fork.verify(newest, { signal: caller.signal })).rejects.toBe("no longer wanted");
  });
});
