import { beforeEach, describe, expect, test, vi } from "vitest";
import { HOUR_MS, OLD, World } from "../../test/support/world.ts";
import { expectChain, expectNext } from "./aftermath.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("./derive-once.ts");
  return derivingOnce(await importActual());
});

type Act = (machine: World) => Promise<unknown>;

/** Four generations, an hour apart. */
let start: World;
beforeEach(async () => {
  start = await World.pushed();
  for (const value of ["2", "3", "4"]) {
    start.clock.ms += HOUR_MS;
    await start.push({ A: value });
  }
});

const gc: Act = (machine) => machine.gc({ keep: 1 });
const setAndGc: Act = async (machine) => {
  machine.clock.ms += HOUR_MS;
  await machine.set({ B: String(machine.clock.ms) });
  await gc(machine);
};

interface Meeting {
  readonly world: World;
  /** What the interrupted act returned, or its error's name and message. */
  readonly end: string;
}

/** Another machine's act, whole, just before each request of the first act in turn. One meeting for each request. */
async function* meetings(act: Act, other: Act): AsyncGenerator<Meeting> {
  for (let at = 0; ; at++) {
    const world = start.fork();
    const machine = world.peer();
    let sent = 0;
    machine.store.faults = {
      async before() {
        if (sent++ === at) await other(world.peer());
      },
    };
    const end = await act(machine).then(
      (value) => (typeof value === "object" && value !== null && "A" in value ? `A=${String(value.A)}` : "done"),
      (error: Error) => `${error.name}: ${error.message}`,
    );
    if (sent <= at) return;
    yield { world, end };
  }
}

/** Every end is one of these; afterwards the vault is whole, and goes on. */
async function expectEnds(act: Act, other: Act, wanted: readonly RegExp[]): Promise<void> {
  const seen = new Set<RegExp>();
  let count = 0;
  for await (const { world, end } of meetings(act, other)) {
    const match = wanted.find((pattern) => pattern.test(end));
    expect(match, end).toBeDefined();
    if (match !== undefined) seen.add(match);
    expect(Number((await world.secrets())["A"])).toBeGreaterThan(1);
    await expectChain(world, OLD);
    await expectNext(world, OLD, count++);
  }
  expect([...seen]).toHaveLength(wanted.length);
}

const CONFLICT = /^ConflictError: another writer committed generation \d+ first/;
const REMOVED = /^BundleCorruptError: generation 2 was removed by gc on /;
const REMOVED_MEANWHILE =
  /^BundleCorruptError: generation 2 was removed while it was being read: the vault moved on from generation 4 to 5$/;

describe("gc at each request of", () => {
  test("a reader, which opens the vault all the same", () => expectEnds((it) => it.secrets(), setAndGc, [/^A=4$/]));

  test("a restore, which wins, conflicts, or is told that gc has removed the generation", () =>
    expectEnds((it) => it.restore(2), gc, [/^done$/, CONFLICT, REMOVED, REMOVED_MEANWHILE]));

  test("a reader of an older generation, which is told the same", () =>
    expectEnds((it) => it.generation(2), gc, [REMOVED, REMOVED_MEANWHILE]));

  test("a push, which wins or conflicts", () => expectEnds((it) => it.push({ A: "5" }), gc, [/^done$/, CONFLICT]));

  test("a push, with another commit before it", () =>
    expectEnds((it) => it.push({ A: "5" }), setAndGc, [/^done$/, CONFLICT]));

  test("a second gc, of which one removes and the other conflicts or finds nothing", () =>
    expectEnds(gc, gc, [/^done$/, CONFLICT]));
});

describe("at each request of gc", () => {
  test.each<[string, Act]>([
    ["a restore", (it) => it.restore(2).catch(() => undefined)],
    ["a push", (it) => it.push({ A: "5" })],
    ["a change of one secret", (it) => it.set({ B: "1" })],
  ])("%s: gc wins or conflicts, and removes nothing that is needed", (_, other) =>
    expectEnds(gc, other, [/^done$/, CONFLICT]),
  );
});

test("a reader so slow that a commit and a gc come between each of its requests opens the vault at its third try", async () => {
  let left = 2;
  const slow = start.peer();
  slow.store.faults = {
    async before({ key }) {
      if (key.startsWith("v=") && left-- > 0) await setAndGc(start.peer());
    },
  };
  expect((await slow.secrets())["A"]).toBe("4");
});
