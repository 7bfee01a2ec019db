import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { proposeSet } from "../../src/vault/items/set.ts";
import { holding } from "../support/passphrases.ts";
import {
  type Machine,
  machineOn,
  machineOnDisk,
  NEW,
  OLD,
  type StrictS3,
  startStrictS3,
} from "../support/program/machine.ts";
import type { TerminalSession } from "../support/program/terminal.ts";
import { ACTOR } from "../support/world.ts";

/*
 * A signal at every prompt and during a request without an answer. Ctrl-C at the prompts of rotate-passphrase, init and
 * runtime-token, and at rotation's requests: test/scripts and test/integration/rotation-killed.test.ts.
 */

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

interface Prompt {
  readonly words: readonly string[];
  /** The prompts before the interrupted one. */
  readonly answers?: readonly (readonly [question: string, answer: string])[];
  readonly question: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const NOTHING = { VSYNC_PASSPHRASE: undefined };
const ROTATE = ["rotate-passphrase", "--env=prod"];
const PROMPTS: readonly Prompt[] = [
  { words: ["get", "prod", "DATABASE_URL"], question: "Passphrase:", env: NOTHING },
  { words: ["pull", "prod"], question: "Passphrase:", env: NOTHING },
  { words: ["list", "prod"], question: "Passphrase:", env: NOTHING },
  { words: ["history", "prod"], question: "Passphrase:", env: NOTHING },
  { words: ["audit", "verify", "prod"], question: "Passphrase:", env: NOTHING },
  { words: ["push", "prod", "--from=new.env"], question: "Passphrase:", env: NOTHING },
  { words: ["push", "prod", "--from=new.env"], question: "[y/N]" },
  { words: ["set", "prod", "TOKEN"], question: "TOKEN" },
  { words: ["unset", "prod", "DATABASE_URL"], question: "Passphrase:", env: NOTHING },
  { words: ["restore", "prod", "--gen=1"], question: "[y/N]" },
  { words: ["gc", "prod", "--keep=1", "--older-than=0s"], question: "[y/N]" },
  { words: ROTATE, question: "How long may apps still start with the old passphrase?", env: NOTHING },
  { words: [...ROTATE, "--grace=1h"], question: "Old passphrase:", env: NOTHING },
  { words: [...ROTATE, "--grace=1h"], question: "New passphrase:" },
  { words: [...ROTATE, "--grace=1h"], answers: [["New passphrase:", NEW]], question: "Confirm new passphrase:" },
  {
    words: [...ROTATE, "--grace=1h"],
    question: "Re-encrypt bundle and push? [y/N]",
    env: { VSYNC_NEW_PASSPHRASE: NEW },
  },
  { words: ["init", "--env=other"], question: "Where should the vault live?" },
  { words: ["init", "--env=other", "--local"], question: "New passphrase:", env: NOTHING },
  {
    words: ["init", "--env=other", "--local"],
    answers: [["New passphrase:", OLD]],
    question: "Confirm new passphrase:",
    env: NOTHING,
  },
  { words: ["init", "--env=other", "--bucket=b", "--region=eu-west-1"], question: "Credentials:" },
  { words: ["import", "prod", "--from=new.env", "--replace"], question: "[y/N]" },
];

describe("at every prompt, a signal leaves the terminal and the disk unchanged", () => {
  let machine: Machine;
  beforeEach(async () => {
    machine = await machineOnDisk();
    const request = { holder: holding(OLD), expect: { env: "prod" }, annotation: { actor: ACTOR } };
    const items = [{ name: "LATER", kind: "secret", data: Secret.ofText("x") }] as const;
    using proposal = await proposeSet(machine.ports, request, items);
    await proposal.commit();
    await machine.sandbox.write("work/new.env", "A=1\n");
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  const title = ({ words, question }: Prompt): string => `vsync ${words.join(" ")}, at ${question}`;
  test.each(PROMPTS.map((prompt, at) => [title(prompt), prompt, SIGNALS[at % SIGNALS.length] ?? SIGNALS[0]] as const))(
    "%s",
    async (_title, { words, answers = [], question, env = {} }, [signal, code]) => {
      const [disk, objects] = [await machine.sandbox.snapshot(), await machine.objects()];
      const session = await machine.terminal(words, env);
      for (const [asked, answer] of answers) {
        await session.shows(asked);
        session.answer(answer);
      }
      await session.shows(question);
      await session.signal(signal);
      await expectEnded(session, code);
      expect(await machine.objects()).toEqual(objects);
      expect(await machine.sandbox.snapshot()).toEqual(disk);
    },
  );

  test.each([
    [["get", "prod", "DATABASE_URL"], "Passphrase:"],
    [["init", "--env=other", "--local"], "New passphrase:"],
    [["init", "--env=other"], "Where should the vault live?"],
    [[...ROTATE, "--grace=1h"], "Old passphrase:"],
  ] as const)("and a terminal that goes away: %j, at %s", async (words, question) => {
    const disk = await machine.sandbox.snapshot();
    const session = await machine.terminal(words, NOTHING);
    await session.shows(question);
    expect(await session.hangUp()).toBe(129);
    expect(await machine.sandbox.snapshot()).toEqual(disk);
  });

  test("its message starts on a new line, and is the only one", async () => {
    for (const [end, said] of [
      [(session: TerminalSession) => session.press("\u0004"), "the input ended before the answer"],
      [(session: TerminalSession) => session.signal("SIGTERM"), "ended by SIGTERM"],
    ] as const) {
      const session = await machine.terminal(["get", "prod", "DATABASE_URL"], NOTHING);
      await session.shows("Passphrase:");
      await end(session);
      const { screen } = await session.end();
      expect(screen).toMatch(new RegExp(`\\nvsync: error: ${said}\\r\\n`));
      expect(screen.match(/vsync: (error|hint): /g)).toHaveLength(1);
    }
  });

  test.each(["\u0003", "\u0004"])("so does the key %j at a hidden prompt", async (key) => {
    const session = await machine.terminal(["get", "prod", "DATABASE_URL"], NOTHING);
    await session.shows("Passphrase:");
    session.press(key);
    await expectEnded(session, 130);
  });
});

async function expectEnded(session: TerminalSession, code: number): Promise<void> {
  const { exitCode, stdout, isRestored, rawScreen, screen } = await session.end();
  expect({ exitCode, stdout, isRestored }).toEqual({ exitCode: code, stdout: "", isRestored: true });
  // The cursor shows again if it was hidden.
  expect(rawScreen.lastIndexOf("\u001b[?25h")).toBeGreaterThanOrEqual(rawScreen.lastIndexOf("\u001b[?25l"));
  expect(screen).not.toContain(OLD);
}

describe("during a hanging request", () => {
  let server: StrictS3;
  let machine: Machine;
  beforeEach(async () => {
    server = await startStrictS3();
    machine = await machineOn(server);
    await machine.sandbox.write("work/new.env", "DATABASE_URL=other\n");
  });
  afterEach(async () => {
    await machine[Symbol.asyncDispose]();
    await server.close();
  });

  const PUT = (key: RegExp, apply: boolean) => ({ method: "PUT", key, apply });
  const GET = (key: RegExp) => ({ method: "GET", key, apply: false });
  const PUSH = ["push", "prod", "--from=new.env", "--yes"];
  test.each([
    [["get", "prod", "DATABASE_URL"], GET(/manifest$/), 1],
    [["get", "prod", "DATABASE_URL"], GET(/v=/), 1],
    [["pull", "prod"], GET(/v=/), 1],
    [["runtime-token", "--env=prod"], { method: "HEAD", key: /manifest$/, apply: false }, 1],
    [["audit", "verify", "prod"], GET(/audit/), 1],
    [PUSH, PUT(/v=/, false), 1],
    [PUSH, PUT(/v=/, true), 1],
    [PUSH, PUT(/manifest$/, false), 1],
    [PUSH, PUT(/manifest$/, true), 2],
    [PUSH, PUT(/audit/, false), 2],
    [["set", "prod", "DATABASE_URL", "--from-file=new.env"], PUT(/manifest$/, false), 1],
    [["gc", "prod", "--keep=1", "--older-than=0s", "--yes"], GET(/v=/), 1],
  ] as const)(
    "vsync %j, %o: generation %i opens, and the next command works",
    async (words, { apply, ...request }, gen) => {
      for (const [signal, code] of SIGNALS.slice(0, 2)) {
        const disk = await machine.sandbox.snapshot();
        server.faults.clear();
        server.faults.add(request, { kind: "hang", apply }, 10);
        const child = machine.start(words);
        const said = { stdout: "", stderr: "" };
        for (const stream of ["stdout", "stderr"] as const) {
          child[stream]?.setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
        }
        const closed = once(child, "close");
        const isOver = () => child.exitCode !== null || child.signalCode !== null;
        await expect.poll(() => isOver() || server.faults.pending < 10).toBe(true);
        child.kill(signal);
        expect(await closed).toEqual([code, null]);
        expect(said.stdout).toBe("");
        expect(said.stderr).toMatch(
          signal === "SIGINT" ? /^vsync: error: interrupted$/m : /^vsync: error: ended by SIGTERM$/m,
        );
        server.faults.clear();
        expect(await machine.sandbox.snapshot()).toEqual(disk);
        if (signal === "SIGINT") expect((await machine.manifest()).gen).toBe(gen);
        if (gen !== 1) break;
      }
      const { exitCode } = await machine.run(PUSH);
      expect(exitCode).toBe(0);
      expect(await machine.sight(OLD)).toBe("writes");
    },
  );
});
