import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError } from "../../../src/errors.ts";
import { AUDIT_PREFIX, auditKey } from "../../../src/vault/format/object-keys.ts";
import { HOUR_MS, NEW, OLD, rejection, takeAll, World } from "../../support/world.ts";

const BUNDLE_1 = "v=20260101T000000000Z";
const BUNDLE_2 = "v=20260101T000000001Z";
const OPENING = ["get manifest", `get ${BUNDLE_1}`];
const LOOKING = [`list ${AUDIT_PREFIX}`, `get ${auditKey(1)}`];
const WRITING = [`create ${BUNDLE_2}`, "replace manifest", `create ${auditKey(2)}`];

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

/** The requests that `act` makes on a copy of the world. */
async function requestsDuring(act: (fork: World) => Promise<unknown>): Promise<string[]> {
  const fork = world.fork();
  await act(fork);
  return fork.requests;
}

describe("the requests of a commit", () => {
  test("of the first one", async () => {
    const empty = await World.empty();
    await empty.push({ A: "1" });
    expect(empty.requests).toEqual([
      "get manifest",
      `list ${AUDIT_PREFIX}`,
      `create ${BUNDLE_1}`,
      "create manifest",
      `create ${auditKey(1)}`,
    ]);
  });

  const commits: readonly [string, (fork: World) => Promise<unknown>][] = [
    ["push", (fork) => fork.push({ A: "2" })],
    ["set", (fork) => fork.set({ C: "3" })],
    ["unset", (fork) => fork.unset(["B"])],
    ["rotate", (fork) => fork.rotate(OLD, NEW)],
    ["rotate with grace", (fork) => fork.rotate(OLD, NEW, { graceMs: HOUR_MS })],
  ];
  test.each(commits)("%s: two to open, five to commit", async (_name, act) => {
    expect(await requestsDuring(act)).toEqual([...OPENING, ...LOOKING, ...WRITING]);
  });

  test("one more if the row before is outstanding", async () => {
    world.tamper(auditKey(1), null);
    const appending = `create ${auditKey(1)}`;
    expect(await requestsDuring((fork) => fork.push({ A: "2" }))).toEqual([
      ...OPENING,
      ...LOOKING,
      appending,
      ...WRITING,
    ]);
  });

  test("no more at generation 12 than at generation 2", async () => {
    for (let gen = 2; gen <= 12; gen++) await world.push({ A: `generation ${gen}` });
    expect(await requestsDuring((fork) => fork.push({ A: "2" }))).toHaveLength(7);
  });

  test("of restore: the rows down to the generation, and its bundle", async () => {
    await world.push({ A: "2" });
    expect((await requestsDuring((fork) => fork.restore(1))).slice(2, -5)).toEqual([
      `list ${AUDIT_PREFIX}`,
      `get ${auditKey(2)}`,
      `get ${auditKey(1)}`,
      `get ${BUNDLE_1}`,
    ]);
  });

  test("of gc: it removes after its commit has said so", async () => {
    await world.push({ A: "2" });
    world.clock.ms += 2;
    const requests = await requestsDuring((fork) => fork.gc());
    const rows = [`get ${auditKey(2)}`, `get ${auditKey(1)}`];
    expect(requests.slice(2, 6)).toEqual([`list ${AUDIT_PREFIX}`, ...rows, "list v="]);
    expect(requests.slice(-2)).toEqual([`create ${auditKey(3)}`, `delete ${BUNDLE_1}`]);
  });

  test("both rows are read at once, before the new passphrase of a rotation is derived", async () => {
    let waiting = 0;
    let most = 0;
    const peer = world.peer().failing({
      before: async () => {
        most = Math.max(most, ++waiting);
        await nextTurn();
        waiting--;
      },
    });
    await peer.set({ C: "3" });
    expect(most).toBe(2);
    const fork = world.fork();
    const seen: string[][] = [];
    // Sealing draws the operator key first, and needs the new passphrase's recipient.
    const bytes = (length: number) => {
      if (length === 32) seen.push(fork.requests);
      return world.random.bytes(length);
    };
    const { requests } = fork.store;
    requests.length = 0;
    await fork.with({ random: { bytes } }).rotate(OLD, NEW);
    expect(seen.map((before) => before.filter((request) => request.includes("audit/")))).toEqual([
      [`list ${AUDIT_PREFIX}`, `get ${auditKey(2)}`],
    ]);
  });
});

describe("a commit that is refused or has nothing to change only opens the vault", () => {
  test.each<[string, (fork: World) => Promise<unknown>]>([
    ["a push of the same items", (fork) => fork.push({ A: "1", B: "2" })],
    ["a declined push", (fork) => fork.push({ A: "2" }, { confirm: () => false })],
    ["a declined set", (fork) => fork.set({ A: "2" }, { confirm: () => false })],
    ["a set of the same value", (fork) => fork.set({ A: "1" })],
    ["an unset of an unknown name", (fork) => rejection(fork.unset(["nope"]))],
    ["a finish outside a window", (fork) => fork.finish()],
    ["a declined rotation", (fork) => fork.rotate(OLD, NEW, { confirm: () => false })],
    ["a push with a wrong passphrase", (fork) => rejection(fork.push({ A: "2" }, { by: "wrong" }))],
    ["a rotation with a wrong passphrase", (fork) => rejection(fork.rotate("wrong", NEW))],
  ])("%s", async (_name, act) => {
    expect(await requestsDuring(act)).toEqual(OPENING);
  });

  test.each([AUDIT_PREFIX, auditKey(1)])("if %s cannot be read, nothing is written", async (unreadable) => {
    const failed = new AccessDeniedError("injected");
    const fork = world.fork().failing({
      before: ({ key }) => {
        if (key === unreadable) throw failed;
      },
    });
    expect(await rejection(fork.rotate(OLD, NEW))).toBe(failed);
    expect(fork.objects()).toEqual(world.objects());
  });
});

describe("bundles are named by time, and their names ascend", () => {
  const historyOf = async () => (await world.audit()).rows.map(({ at, bundle }) => [at, bundle.key]);

  test("while a clock jumps back: each row gives the time of its own clock", async () => {
    for (const value of ["2", "3"]) {
      world.clock.ms -= HOUR_MS;
      await world.push({ A: value });
    }
    expect(await historyOf()).toEqual([
      ["2026-01-01T00:00:00.000Z", BUNDLE_1],
      ["2025-12-31T23:00:00.000Z", BUNDLE_2],
      ["2025-12-31T22:00:00.000Z", "v=20260101T000000002Z"],
    ]);
  });

  test("except for a name from the far future, which does not count", async () => {
    const future = world.with({ clock: { ...world.clock, ms: Date.parse("2126-01-01T00:00:00.000Z") } });
    await future.push({ A: "2" });
    await world.push({ A: "3" });
    expect((await historyOf()).slice(1)).toEqual([
      ["2126-01-01T00:00:00.000Z", "v=21260101T000000000Z"],
      ["2026-01-01T00:00:00.000Z", "v=20260101T000000001Z"],
    ]);
  });

  const taken = (names: number) => {
    for (let at = 1; at <= names; at++) {
      world.tamper(`v=20260101T000000${String(at).padStart(3, "0")}Z`, Uint8Array.of(1));
    }
  };

  test("past up to a hundred names that crashed commits have taken", async () => {
    taken(100);
    await world.push({ A: "2" });
    expect((await world.manifest()).bundle.key).toBe("v=20260101T000000101Z");
  });

  test("and no further", async () => {
    taken(101);
    expect(await rejection(world.push({ A: "2" }))).toMatchObject({ name: "ConflictError" });
    expect(world.requests.filter((request) => request.startsWith("create v="))).toHaveLength(1 + 101);
  });

  test("only a taken name is tried again", async () => {
    const failed = new AccessDeniedError("refused");
    const fork = world.fork().failing({
      before({ operation }) {
        if (operation === "create") throw failed;
      },
    });
    expect(await rejection(fork.push({ A: "2" }))).toBe(failed);
    expect(fork.requests.filter((request) => request.startsWith("create"))).toHaveLength(1);
  });
});

test("a commit tells each step it has taken", async () => {
  using proposal = await world.proposePush({ A: "2" });
  expect(await takeAll(proposal.steps())).toEqual(["ready", "bundle-created", "manifest-swapped", "done"]);
});

describe("a commit whose row cannot be appended", () => {
  const pushing = (failed: Error) =>
    world
      .failing({
        before({ operation, key }) {
          if (operation === "create" && key.startsWith("audit/")) throw failed;
        },
      })
      .push({ A: "2" });

  test("stands, and says why", async () => {
    const failed = new AccessDeniedError("refused");
    expect((await pushing(failed)).committed).toMatchObject({ auditFault: failed, manifest: { gen: 2 } });
  });

  test("passes a bug on", async () => {
    const failed = new TypeError("a bug");
    expect(await rejection(pushing(failed))).toBe(failed);
  });
});
