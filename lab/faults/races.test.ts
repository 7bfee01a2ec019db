import { describe, expect, test, vi } from "vitest";
import { ConflictError, WrongPassphraseError } from "../../src/errors.ts";
import { HOUR_MS, NEW, OLD, rejection, World } from "../../test/support/world.ts";
import { expectChain, expectNext } from "./aftermath.ts";
import { Interleaving } from "./interleaving.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("./derive-once.ts");
  return derivingOnce(await importActual());
});

const ROTATORS = 8;
const PUSHERS = 20;
const ROUNDS = Array.from({ length: 20 }, (_, at) => at + 1);

interface End<T> {
  readonly winners: readonly { readonly writer: number; readonly value: T }[];
  readonly losers: readonly { readonly writer: number; readonly error: unknown }[];
}

/** Each writer is a separate machine over the same objects; `seed` orders their requests. */
async function race<T>(
  world: World,
  seed: string,
  writers: number,
  write: (machine: World, writer: number) => Promise<T>,
): Promise<End<T>> {
  const ends = await new Interleaving(seed).run(writers, (hook, writer) => {
    const machine = world.peer();
    machine.store.faults = hook;
    return write(machine, writer);
  });
  return {
    winners: ends.flatMap((end, writer) => (end.status === "fulfilled" ? [{ writer, value: end.value }] : [])),
    losers: ends.flatMap((end, writer) => (end.status === "rejected" ? [{ writer, error: end.reason }] : [])),
  };
}

function only<T>(found: readonly T[]): T {
  expect(found).toHaveLength(1);
  return found[0] ?? expect.unreachable();
}

const passphraseOf = (writer: number): string => `the passphrase of rotator ${writer}`;

describe(`${ROTATORS} rotators at once`, () => {
  describe.each([
    ["without grace", {}],
    ["with grace", { graceMs: HOUR_MS }],
  ])("%s", (_name, grace) => {
    test.each(ROUNDS)("round %i: one wins, the others conflict", async (round) => {
      const world = await World.pushed({ A: "1" });
      const { winners, losers } = await race(world, `rotate ${round}`, ROTATORS, (machine, writer) =>
        machine.rotate(OLD, passphraseOf(writer), grace),
      );
      const winner = only(winners);
      expect(winner.value.committed?.auditFault).toBeNull();
      for (const { writer, error } of losers) {
        expect(error).toBeInstanceOf(ConflictError);
        expect((error as Error).message).toMatch(
          /^another writer committed generation 2 first(; stale object at v=|$)/,
        );
        expect(await rejection(world.open(passphraseOf(writer)))).toBeInstanceOf(WrongPassphraseError);
      }
      expect(await world.secrets(passphraseOf(winner.writer))).toEqual({ A: "1" });
      expect(await expectChain(world, passphraseOf(winner.writer))).toBeNull();
      await expectNext(world, passphraseOf(winner.writer), round);
    });
  });

  test("the rounds are different races", async () => {
    const winners = new Set<number>();
    for (const round of ROUNDS) {
      const end = await race(await World.pushed(), `rotate ${round}`, ROTATORS, (machine, writer) =>
        machine.rotate(OLD, passphraseOf(writer)),
      );
      winners.add(only(end.winners).writer);
    }
    expect(winners.size).toBeGreaterThan(3);
  });
});

describe(`${PUSHERS} pushers at once`, () => {
  test.each(ROUNDS.slice(0, 10))(
    "round %i: all but the winner get a conflict, and no generation is lost",
    async (round) => {
      const world = await World.pushed({ A: "1" });
      const { winners, losers } = await race(world, `push ${round}`, PUSHERS, (machine, writer) =>
        machine.push({ A: `pusher ${writer}` }),
      );
      expect(winners.length).toBeGreaterThanOrEqual(1);
      for (const { error } of losers) expect(error).toBeInstanceOf(ConflictError);
      const { manifest } = await world.open();
      expect(manifest.gen).toBe(1 + winners.length);
      expect(winners.map(({ writer }) => ({ A: `pusher ${writer}` }))).toContainEqual(await world.secrets());
      expect(await expectChain(world, OLD)).toBeNull();
      await expectNext(world, OLD, round);
    },
  );

  test.each(ROUNDS.slice(0, 5))("round %i, each retrying until it wins: nothing is lost", async (round) => {
    const world = await World.pushed({ A: "1" });
    const set = async (machine: World, writer: number): Promise<void> => {
      const end = await machine.set({ [`S${writer}`]: "1" }).catch((error: unknown) => error);
      if (end instanceof ConflictError) return set(machine, writer);
      if (end instanceof Error) throw end;
    };
    const { winners } = await race(world, `set ${round}`, 6, set);
    expect(winners).toHaveLength(6);
    expect(Object.keys(await world.secrets()).toSorted()).toEqual(["A", "S0", "S1", "S2", "S3", "S4", "S5"]);
    expect((await world.open()).manifest.gen).toBe(7);
    expect(await expectChain(world, OLD)).toBeNull();
  });
});

describe("first pushes at once", () => {
  test.each(ROUNDS.slice(0, 10))("round %i, of one config: one vault", async (round) => {
    const world = await World.empty();
    const { winners, losers } = await race(world, `first ${round}`, 5, (machine, writer) =>
      machine.push({ A: `pusher ${writer}` }),
    );
    const winner = only(winners);
    for (const { error } of losers) expect(error).toBeInstanceOf(ConflictError);
    expect(await world.secrets()).toEqual({ A: `pusher ${winner.writer}` });
    expect(await expectChain(world, OLD)).toBeNull();
  });

  test.each(ROUNDS.slice(0, 10))("round %i, of two machines that both ran init: one vault", async (round) => {
    const worlds = [await World.empty("one machine"), await World.empty("the other machine")];
    const [one] = worlds;
    if (one === undefined) throw new TypeError("no world");
    const { winners, losers } = await race(one, `strangers ${round}`, 2, (machine, writer) =>
      machine.with({ identity: worlds[writer]?.identity ?? machine.identity }).push({ A: String(writer) }),
    );
    const winner = only(winners);
    expect(only(losers).error).toBeInstanceOf(ConflictError);
    expect((await one.open()).manifest.vault).toBe(worlds[winner.writer]?.identity.vault);
    const late = one.fork().with({ identity: worlds[1 - winner.writer]?.identity ?? one.identity });
    const error = await rejection(late.push({ A: "late" }));
    expect(error).toBeInstanceOf(ConflictError);
    expect((error as ConflictError).hint).toContain("to join it");
  });
});

test.each(ROUNDS)("round %i: a push, a finish and a rotation inside a window: one wins", async (round) => {
  const world = await World.pushed({ A: "1" });
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
  const acts = [
    (machine: World) => machine.push({ A: "2" }, { by: NEW }),
    (machine: World) => machine.finish({ by: NEW }),
    (machine: World) => machine.rotate(NEW, passphraseOf(2)),
  ];
  const { winners, losers } = await race(world, `mixed ${round}`, acts.length, async (machine, writer) =>
    acts[writer]?.(machine),
  );
  const winner = only(winners);
  for (const { error } of losers) expect(error).toBeInstanceOf(ConflictError);
  const writer = winner.writer === 2 ? passphraseOf(2) : NEW;
  expect(await world.secrets(writer)).toEqual({ A: winner.writer === 0 ? "2" : "1" });
  expect((await world.open(writer)).manifest.gen).toBe(3);
  expect(await expectChain(world, writer)).toBeNull();
});
