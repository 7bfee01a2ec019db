import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { AccessDeniedError, InputError, WrongPassphraseError } from "../../src/errors.ts";
import type { Annotation } from "../../src/vault/commit/draft.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../support/world.ts";

const BUNDLE_1 = "v=20260101T000000000Z";
const BUNDLE_2 = "v=20260101T000000001Z";
const BUNDLE_3 = "v=20260101T000000002Z";
const row = (gen: number): string => `audit/00000000000${gen}`;

const OPENING_1 = ["get manifest", `get ${BUNDLE_1}`];
const COMMITTING_2 = [`head ${row(2)}`, `get ${row(1)}`, `create ${BUNDLE_2}`, "replace manifest", `create ${row(2)}`];
const COMMITTING_3 = [`head ${row(3)}`, `get ${row(2)}`, `create ${BUNDLE_3}`, "replace manifest", `create ${row(3)}`];

/** The requests of `act` alone, on a fork of `world`. */
async function requestsDuring(world: World, act: (fork: World) => Promise<unknown>): Promise<string[]> {
  const fork = world.fork();
  await act(fork);
  return fork.requests;
}

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

describe("reading", () => {
  test("open: 2 GETs", async () => {
    expect(await requestsDuring(world, (fork) => fork.openAfresh())).toEqual(OPENING_1);
  });

  test("the bundle is asked for before the passphrase is derived", async () => {
    const wrong = world.openAfresh("wrong");
    await expect(wrong).rejects.toBeInstanceOf(WrongPassphraseError);
    expect(world.requests.slice(-2)).toEqual(OPENING_1);
  });

  test.each([1, 2, 7])("verifyAudit of %i rows: 1 list and as many GETs", async (rows) => {
    for (let gen = 2; gen <= rows; gen++) await world.push({ A: String(gen) });
    const { manifest } = await world.open();
    const newestFirst = Array.from({ length: rows }, (_, at) => `get ${row(rows - at)}`);
    expect(await requestsDuring(world, (fork) => fork.verify(manifest))).toEqual(["list audit/", ...newestFirst]);
  });

  test("verifyAudit of the newest rows alone reads no more of them", async () => {
    for (let gen = 2; gen <= 7; gen++) await world.push({ A: String(gen) });
    const { manifest } = await world.open();
    const requests = await requestsDuring(world, (fork) => fork.verify(manifest, { downTo: 6 }));
    expect(requests).toEqual(["list audit/", `get ${row(7)}`, `get ${row(6)}`]);
  });
});

describe("writing", () => {
  test("first push", async () => {
    const empty = await World.empty();
    await empty.push({ A: "1" });
    expect(empty.requests).toEqual([
      "get manifest",
      `head ${row(1)}`,
      `create ${BUNDLE_1}`,
      "create manifest",
      `create ${row(1)}`,
    ]);
  });

  const commits: readonly [string, (fork: World) => Promise<unknown>][] = [
    ["push", (fork) => fork.push({ A: "2" })],
    ["set", (fork) => fork.set({ C: "3" })],
    ["unset", (fork) => fork.unset(["B"])],
    ["rotate", (fork) => fork.rotate(OLD, NEW)],
    ["rotate with grace", (fork) => fork.rotate(OLD, NEW, { graceMs: HOUR_MS })],
  ];
  test.each(commits)("%s: the opening and 5 more", async (_name, act) => {
    expect(await requestsDuring(world, act)).toEqual([...OPENING_1, ...COMMITTING_2]);
  });

  test("a rotation looks at the audit rows before the new passphrase is derived", async () => {
    const fork = world.fork();
    const seen: string[][] = [];
    // The operator key is drawn first where a bundle is sealed, and sealing needs the new passphrase's recipient.
    const random = {
      bytes: (length: number) => {
        if (length === 32) seen.push(fork.requests);
        return world.random.bytes(length);
      },
    };
    await fork.with({ random }).rotate(OLD, NEW);
    expect(seen).toEqual([[...OPENING_1, ...COMMITTING_2.slice(0, 2)]]);
  });

  test("both rows are asked for at once", async () => {
    let waiting = 0;
    let most = 0;
    const before = async (): Promise<void> => {
      most = Math.max(most, ++waiting);
      await nextTurn();
      waiting--;
    };
    const store = new MemoryStore({ bucket: world.store.bucket, faults: { before } });
    await world.with({ store }).set({ C: "3" });
    expect(most).toBe(2);
  });

  test("a row that cannot be read: nothing is written", async () => {
    for (const unreadable of [row(2), row(1)]) {
      const fork = world.fork();
      const before = async ({ key }: { readonly key: string }): Promise<void> => {
        if (key === unreadable) throw new AccessDeniedError(`no access to ${key}`);
      };
      const store = new MemoryStore({ bucket: fork.store.bucket, faults: { before } });
      expect(await rejection(fork.with({ store }).rotate(OLD, NEW))).toMatchObject({
        message: `no access to ${unreadable}`,
      });
      expect(fork.store.bucket).toEqual(world.store.bucket);
    }
  });

  test("a commit appends the outstanding row of the generation before: 1 more", async () => {
    world.store.bucket.delete(row(1));
    expect(await requestsDuring(world, (fork) => fork.push({ A: "2" }))).toEqual([
      ...OPENING_1,
      ...COMMITTING_2.slice(0, 2),
      `create ${row(1)}`,
      ...COMMITTING_2.slice(2),
    ]);
  });

  test("a commit costs the same at generation 2 and at generation 12", async () => {
    const second = await requestsDuring(world, (fork) => fork.push({ A: "2" }));
    for (let gen = 2; gen < 12; gen++) await world.push({ A: `generation ${gen}` });
    expect(await requestsDuring(world, (fork) => fork.push({ A: "2" }))).toHaveLength(second.length);
  });

  test("finish", async () => {
    await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
    expect(await requestsDuring(world, (fork) => fork.finish({ by: NEW }))).toEqual([
      "get manifest",
      `get ${BUNDLE_2}`,
      ...COMMITTING_3,
    ]);
  });

  test("restore: the rows down to that generation, and its bundle", async () => {
    await world.push({ A: "2" });
    expect(await requestsDuring(world, (fork) => fork.restore(1))).toEqual([
      "get manifest",
      `get ${BUNDLE_2}`,
      "list audit/",
      `get ${row(2)}`,
      `get ${row(1)}`,
      `get ${BUNDLE_1}`,
      ...COMMITTING_3,
    ]);
  });

  test("gc: removes after its commit has said so", async () => {
    await world.push({ A: "2" });
    world.clock.ms += 2;
    expect(await requestsDuring(world, (fork) => fork.gc())).toEqual([
      "get manifest",
      `get ${BUNDLE_2}`,
      "list audit/",
      `get ${row(2)}`,
      "list v=",
      ...COMMITTING_3,
      `delete ${BUNDLE_1}`,
    ]);
  });

  test("reconcile: looks, and appends only what is missing", async () => {
    const reconcile = (fork: World) => fork.reconcile();
    expect(await requestsDuring(world, reconcile)).toEqual([...OPENING_1, `get ${row(1)}`]);
    world.store.bucket.delete(row(1));
    expect(await requestsDuring(world, reconcile)).toEqual([...OPENING_1, `get ${row(1)}`, `create ${row(1)}`]);
  });
});

describe("refused or declined: nothing is written", () => {
  const no = async () => false;
  const cases: readonly [string, (fork: World) => Promise<unknown>][] = [
    ["push that changes nothing", (fork) => fork.push({ A: "1", B: "2" })],
    ["push that was declined", (fork) => fork.push({ A: "2" }, { confirm: no })],
    ["set of the same value", (fork) => fork.set({ A: "1" })],
    ["unset of a name that is not there", (fork) => rejection(fork.unset(["nope"]))],
    ["finish without a window", (fork) => fork.finish()],
    ["rotation that was declined", (fork) => fork.rotate(OLD, NEW, { confirm: no })],
    ["push with the wrong passphrase", (fork) => rejection(fork.push({ A: "2" }, { by: "wrong" }))],
    ["rotation with the wrong passphrase", (fork) => rejection(fork.rotate("wrong", NEW))],
  ];
  test.each(cases)("%s", async (_name, act) => {
    expect(await requestsDuring(world, act)).toEqual(OPENING_1);
  });

  test("rotation to the same or to an empty passphrase: no request at all", async () => {
    for (const to of [OLD, ""]) {
      const requests = await requestsDuring(world, async (fork) => {
        await expect(fork.rotate(OLD, to)).rejects.toBeInstanceOf(InputError);
      });
      expect(requests).toEqual([]);
    }
  });

  test("a new passphrase that is asked for: only once the old one has opened, and refused alike", async () => {
    const asked: string[] = [];
    const newPassphrase = (text: string) => async () => {
      asked.push(text);
      return Secret.ofText(text);
    };
    const wrong = world.rotate("wrong", newPassphrase(NEW));
    expect(await rejection(wrong)).toBeInstanceOf(WrongPassphraseError);
    expect(asked).toEqual([]);
    for (const to of [OLD, ""]) {
      const requests = await requestsDuring(world, async (fork) => {
        const rotation = fork.rotate(OLD, newPassphrase(to));
        expect(await rejection(rotation)).toBeInstanceOf(InputError);
      });
      expect(requests).toEqual(OPENING_1);
    }
    expect(asked).toEqual([OLD, ""]);
    await world.rotate(OLD, newPassphrase(NEW));
    expect(await world.open(NEW)).toMatchObject({ manifest: { gen: 2, action: "rotate" } });
  });

  test("items that fit no bundle", async () => {
    const data = Secret.ofBytes(new Uint8Array(64 * 1024 * 1024));
    const requests = await requestsDuring(world, async (fork) => {
      const push64 = fork.push([{ name: "large", kind: "file", data }]);
      expect(await rejection(push64)).toMatchObject({
        name: "InputError",
        message: expect.stringMatching(/^the vault would be \d{8} bytes, more than the 67108864 that fit$/),
      });
    });
    expect(requests).toEqual([...OPENING_1, ...COMMITTING_2.slice(0, 2)]);
  });

  const annotations: readonly [string, Pick<Annotation, "meta" | "note">, RegExp][] = [
    ["a fraction in meta", { meta: { n: 1.5 } }, /^the audit meta cannot be written: it has a number/],
    ["a negative number in meta", { meta: { n: -1 } }, /^the audit meta cannot be written: it has a number/],
    ["a key of digits in meta", { meta: { "007": 1 } }, /^the audit meta cannot be written: it has a key of digits/],
    ["half a surrogate pair in meta", { meta: { a: "\ud800" } }, /^the audit meta cannot be written: it has a lone/],
    ["a note that fits no manifest", { note: "x".repeat(1024 * 1024) }, /^note and meta do not fit/],
    ["half a surrogate pair in a note", { note: "\ud800" }, /^this cannot be committed: the manifest has a lone/],
  ];
  test.each(annotations)("%s", async (_name, more, message) => {
    const requests = await requestsDuring(world, async (fork) => {
      const error = await rejection(fork.push({ A: "2" }, more));
      expect(error).toMatchObject({ name: "InputError", message: expect.stringMatching(message) });
    });
    expect(requests).toEqual([...OPENING_1, ...COMMITTING_2.slice(0, 2)]);
  });
});
