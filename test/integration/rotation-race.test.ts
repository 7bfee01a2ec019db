import { describe, expect, inject, test } from "vitest";
import { type Machine, machineOnDisk, machineOnRealS3, OLD } from "../support/program/machine.ts";

const ROTATORS = 4;
const ROUNDS = 2;
const ARGS = ["rotate-passphrase", "--env=prod"];
/** Selects the last of the three answers about the grace window. */
const NOT_AT_ALL = "\u001b[B\u001b[B\r";

interface End {
  readonly passphrase: string;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly screen: string;
}

/**
 * All have opened the vault and wait for a response before the first gets one, so none starts from a later generation.
 */
async function race(
  machine: Machine,
  current: string,
  round: number,
  args: readonly string[],
): Promise<readonly End[]> {
  const passphrases = Array.from({ length: ROTATORS }, (_, at) => `rotator ${at} of round ${round}`);
  const sessions = await Promise.all(
    passphrases.map((next) =>
      machine.terminal([...ARGS, ...args], { VSYNC_PASSPHRASE: current, VSYNC_NEW_PASSPHRASE: next }),
    ),
  );
  for (const session of sessions) {
    if (args.length === 0) {
      await session.shows("not at all: it has leaked");
      session.press(NOT_AT_ALL);
      await session.shows("May the leak have reached scoped tokens, too?");
      session.press("\r");
    }
    await session.shows("Re-encrypt bundle and push?");
  }
  for (const session of sessions) session.answer("y");
  const ends = await Promise.all(sessions.map((session) => session.end()));
  return ends.map(({ exitCode, stdout, screen }, at) => ({
    passphrase: passphrases[at] ?? "",
    exitCode,
    stdout,
    screen,
  }));
}

/** The winner's passphrase. */
async function expectOneWinner(machine: Machine, ends: readonly End[]): Promise<string> {
  expect(ends.map(({ stdout }) => stdout).join("")).toBe("");
  expect(ends.map(({ exitCode }) => String(exitCode)).toSorted()).toEqual([
    "0",
    ...Array.from({ length: ROTATORS - 1 }, () => "3"),
  ]);
  const winner = ends.find(({ exitCode }) => exitCode === 0)?.passphrase ?? "";
  const { bundle } = await machine.manifest();
  const objects = await machine.objects();
  for (const { screen, exitCode, passphrase } of ends) {
    if (exitCode === 0) continue;
    const said = screen.replaceAll(/\s*\r\n\s*/g, " ");
    expect(said).toContain("vsync: error: another writer committed generation ");
    // One that started late enough has written none.
    const stale = /stale object at (v=\S+) is harmless/.exec(said)?.[1];
    expect(stale !== undefined).toBe(said.includes("✓"));
    if (stale !== undefined) expect(objects).toHaveProperty([stale]);
    expect(stale).not.toBe(bundle.key);
    expect(await machine.sight(passphrase)).toBe("WrongPassphraseError");
  }
  expect(await machine.sight(winner)).toBe("writes");
  return winner;
}

describe.each([
  ["a directory", machineOnDisk, true],
  ["a real S3 server", machineOnRealS3, inject("s3") !== null],
] as const)("%s", (_name, open, isThere) => {
  test.skipIf(!isThere)(
    `${ROTATORS} rotators at once: one wins, the others end with 3, no row is lost or doubled`,
    async () => {
      await using machine = await open();
      if (machine === null) throw new Error("no real S3 server");
      let current = OLD;
      for (let round = 1; round <= ROUNDS; round++) {
        const isLast = round === ROUNDS;
        const ends = await race(machine, current, round, isLast ? ["--grace=1h"] : []);
        const winner = await expectOneWinner(machine, ends);
        expect(await machine.sight(current)).toBe(isLast ? "reads" : "WrongPassphraseError");
        const gens = Array.from({ length: round + 1 }, (_, at) => at + 1);
        expect(await machine.chain(winner)).toEqual({ gens, outstanding: null });
        current = winner;
      }
    },
    300_000,
  );
});
