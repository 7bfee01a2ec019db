import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { proposePush } from "../../src/vault/items/push.ts";
import { holding } from "../support/passphrases.ts";
import { type Machine, machineOn, OLD, type StrictS3, startStrictS3 } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

/*
 * An attacker who controls the vault or the server chooses every word to control a reader's terminal: colours, titles, the
 * clipboard, other lines, reordered text.
 */

const EVIL = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\n\u2028\u202e\u2066\u200b\ufeff\u0000";
/** Names may not contain control characters, but may contain these. */
const EVIL_NAME = "N\u202eEMAN\u2066\u200b\u2028\ufeff";
/** Characters that `printable` never passes through, except a line break at the end of a line. */
const ACTS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/u;

let server: StrictS3;
let machine: Machine;
beforeAll(async () => {
  server = await startStrictS3();
  machine = await machineOn(server);
  const { vault } = (await machine.manifest()) as { vault: string };
  for (const turn of ["1", "2"]) {
    using proposal = await proposePush(machine.ports, {
      holder: holding(OLD),
      identity: { vault, repo: "api", env: "prod", seenGen: 1 },
      annotation: {
        actor: { user: EVIL, host: EVIL, tool: EVIL },
        note: EVIL,
        meta: { [`evil${EVIL}`]: EVIL, list: [EVIL] },
      },
      items: [
        { name: EVIL_NAME, kind: "secret", data: Secret.ofText(turn) },
        { name: `dir/${EVIL_NAME}`, kind: "file", data: Secret.ofText(turn) },
        { name: `${turn}${EVIL_NAME}`, kind: "secret", data: Secret.ofText(EVIL.replaceAll("\0", "")) },
      ],
    });
    await proposal.commit();
  }
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await server.close();
});
afterEach(() => server.faults.clear());

function expectHarmless({ stdout, stderr }: Pick<Transcript, "stdout" | "stderr">): void {
  for (const line of [...stdout.split("\n"), ...stderr.split("\n")]) expect(line).not.toMatch(ACTS);
}

describe("text from outside does not control the terminal", () => {
  test.each<[...words: string[]]>([
    ["list", "prod"],
    ["list", "prod", "--json"],
    ["history", "prod"],
    ["history", "prod", "--json"],
    ["audit", "prod"],
    ["audit", "prod", "--json"],
    ["audit", "prod", "--csv"],
    ["audit", "verify", "prod"],
    ["diff", "prod", "--from-gen=2", "--to-gen=3"],
    ["status"],
    ["status", "--env=prod", "--remote"],
    ["doctor", "--env=prod"],
    ["get", "prod", "no such name\u202e"],
    ["get", "prod", "--json", `1${EVIL_NAME}`],
    ["restore", "prod", "--gen=2", "--yes", "--dry-run"],
    ["push", "prod", "--from=-", "--dry-run", "--yes"],
    ["gc", "prod", "--keep=1", "--older-than=0s", "--dry-run"],
    ["pull", "prod"],
    ["unset", "prod", `\u001b[31m${EVIL_NAME}`],
    ["push", `pro\u001b[31md`],
    [`lis\u001b[31mt`],
    ["list", `--\u001b[31menv=prod`],
  ])("vsync %s %s %s %s", async (...words) => {
    const args = words.filter((word) => word !== undefined);
    const transcript = await machine.run(args, { stdin: "A=1" });
    expect(transcript.stdout + transcript.stderr).not.toBe("");
    expectHarmless(transcript);
  });

  test("the actor is still shown, escaped", async () => {
    const { stdout } = await machine.run(["audit", "prod"]);
    expect(stdout).toContain("\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\r\\n\\u2028\\u202e\\u2066\\u200b\\ufeff\\x00");
  });

  test.each(["get", "head", "put"])("a server's message: %s", async (operation) => {
    const code = EVIL.replaceAll("\u0000", "");
    const body = `<Error><Code>${code}</Code><Message>${code}</Message><Resource>${code}</Resource></Error>`;
    const fault = {
      kind: "answer",
      apply: false,
      status: 418,
      body,
      headers: { "x-amz-request-id": "\u009b31m" },
    } as const;
    server.faults.add({ method: operation.toUpperCase() }, fault, 20);
    const words = operation === "head" ? ["runtime-token", "--env=prod"] : ["push", "prod", "--from=-", "--yes"];
    const transcript = await machine.run(words, { stdin: "A=1" });
    expect(transcript).toMatchObject({ stdout: "" });
    expect(transcript.exitCode).not.toBe(0);
    expect(transcript.stderr).toMatch(/^vsync: error: /m);
    expectHarmless(transcript);
  });

  test.each([
    `http://127.0.0.1:1/\u001b[31m`,
    `http://\u001b[31m.invalid`,
    `http://user:pass\u001b[31m@127.0.0.1:1`,
    `file:///nowhere/\u001b[31m`,
  ])("an endpoint: %j", async (endpoint) => {
    for (const words of [
      ["init", "--env=other", `--endpoint=${endpoint}`, "--region=x", "--bucket=b", "--ambient"],
      ["runtime-token", "--env=prod", `--endpoint=${endpoint}`],
    ]) {
      const transcript = await machine.run(words);
      expect(transcript).toMatchObject({ stdout: "" });
      expect(transcript.stderr).not.toBe("");
      expectHarmless(transcript);
    }
  });

  test("a machine's own names: user, host and TERM", async () => {
    const env = { USER: EVIL.replaceAll("\0", ""), LOGNAME: "\u001b[31m", TERM: "\u001b[31m", HOSTNAME: "\u001b[31m" };
    expectHarmless(await machine.run(["status", "--env=prod", "--remote"], { env }));
    expectHarmless(await machine.run(["set", "prod", "B", "--from-file=-"], { stdin: "2", env }));
    expectHarmless(await machine.run(["history", "prod"], { env }));
  });

  test("on a terminal, only vsync's own colours appear", async () => {
    const session = await machine.terminal(["audit", "prod"]);
    const { rawScreen, stdout } = await session.end();
    expect(rawScreen + stdout).not.toContain("owned\u0007");
    expect(rawScreen + stdout).not.toMatch(/[\u202e\u2066\u009b]/);
    expectHarmless({ stdout, stderr: "" });
  });
});
