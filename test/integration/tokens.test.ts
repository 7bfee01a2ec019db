import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { readTokens } from "../../src/vault/tokens/read.ts";
import { holding } from "../support/passphrases.ts";
import {
  type Machine,
  machineOn,
  machineOnDisk,
  machineOnRealS3,
  NEW,
  OLD,
  type StrictS3,
  startStrictS3,
} from "../support/program/machine.ts";
import { type Gate, openGate } from "./rotation-gate.ts";

/*
 * The token verbs as programs, on every store: several at once, killed between requests, and apps that do not notice a
 * rotation of the passphrase. test/vault/tokens and lab/faults do the same at every request, without processes.
 */

/** The ids of the tokens that operators see as active. */
async function activeTokens({ ports }: Machine, passphrase = OLD): Promise<readonly string[]> {
  using holder = holding(passphrase);
  const { tokens } = await readTokens(ports, { holder, expect: { env: "prod" } });
  return tokens.filter(({ status }) => status === "active").map(({ id }) => id);
}

function fileOf(machine: Machine, name: string): Promise<string | null> {
  return readFile(`${machine.sandbox.work}/${name}`, "utf8").catch(() => null);
}

async function must(machine: Machine, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await machine.run(args);
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

/** The id of the token in a blob if it opens the vault, otherwise the error's class. */
async function sightOf(config: string | null): Promise<string> {
  try {
    await using vault = await Vsync.open({ config: config ?? "", env: {} });
    return vault.token?.id ?? "no token";
  } catch (error) {
    return (error as Error).name;
  }
}

let server: StrictS3;
const real = inject("s3");
beforeAll(async () => {
  server = await startStrictS3();
});
afterAll(() => server.close());

const STORES: readonly (readonly [string, boolean, () => Promise<Machine | null>])[] = [
  ["a directory", true, () => machineOnDisk()],
  [
    "the strict server",
    true,
    () => {
      server.buckets.get("strict")?.clear();
      return machineOn(server);
    },
  ],
  ["a real S3 server", real !== null, () => machineOnRealS3()],
];

async function opened(open: () => Promise<Machine | null>): Promise<Machine> {
  return (await open()) ?? expect.unreachable();
}

describe.each(STORES.filter(([, isThere]) => isThere))("%s", (_name, _isThere, open) => {
  test("of simultaneous runs of create --if-absent, one creates the token and all succeed", async () => {
    await using machine = await opened(open);
    const create = ["tokens", "create", "prod", "--name=ci", "--expires=90d", "--if-absent", "--no-validate"];
    const runs = await Promise.all(
      [[], [], ["--out=ci"], ["--out=ci"]].map((more) => machine.run([...create, ...more])),
    );
    expect(runs.map(({ exitCode, stderr }) => (exitCode === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0]);
    const printed = runs.map(({ stdout }) => stdout.trim()).filter((text) => text !== "");
    const [made, ...others] = [...printed, await fileOf(machine, "ci")].filter((text) => text !== null);
    expect(others).toEqual([]);
    expect(await activeTokens(machine)).toEqual([await sightOf(made ?? "")]);
  });

  test("of operators who create, rotate and revoke at once each gets what they asked for", async () => {
    await using machine = await opened(open);
    for (const name of ["old", "gone"])
      await must(machine, "tokens", "create", "prod", `--name=${name}`, `--out=${name}`);
    const runs = await Promise.all([
      machine.run(["tokens", "create", "prod", "--name=one", "--out=one"]),
      machine.run(["tokens", "create", "prod", "--name=two", "--out=two"]),
      machine.run(["tokens", "rotate", "prod", "old", "--out=new"]),
      machine.run(["tokens", "revoke", "prod", "gone", "--yes"]),
    ]);
    expect(runs.map(({ exitCode, stderr }) => (exitCode === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0]);
    const sights = await Promise.all(["one", "two", "new"].map(async (name) => sightOf(await fileOf(machine, name))));
    expect((await activeTokens(machine)).toSorted()).toEqual(sights.toSorted());
    expect(await sightOf(await fileOf(machine, "old"))).toBe("TokenRevokedError");
    expect(await sightOf(await fileOf(machine, "gone"))).toBe("TokenRevokedError");
  });

  test("an app that reopens every 100 ms does not notice a rotation of the passphrase", async () => {
    await using machine = await opened(open);
    const config = await must(machine, "tokens", "create", "prod", "--name=api");
    const rotating = machine.rotate();
    const sights: string[] = [];
    let isRotated = false;
    const ended = rotating.finally(() => (isRotated = true));
    for (let after = 0; after < 3; after += isRotated ? 1 : 0) {
      sights.push(await sightOf(config));
      await setTimeout(100);
    }
    await ended;
    expect((await rotating).exitCode).toBe(0);
    expect([...new Set(sights)]).toEqual(await activeTokens(machine, NEW));
  });

  test("a restore brings no revoked token back", async () => {
    await using machine = await opened(open);
    const config = await must(machine, "tokens", "create", "prod", "--name=api");
    await must(machine, "tokens", "revoke", "prod", "api", "--yes");
    await must(machine, "restore", "prod", "--gen=2", "--yes");
    expect(await sightOf(config)).toBe("TokenRevokedError");
    expect(await activeTokens(machine)).toEqual([]);
  });
});

const VERBS = {
  create: ["create", "prod", "--name=new", "--out=new"],
  rotate: ["rotate", "prod", "old", "--out=new"],
  revoke: ["revoke", "prod", "old", "--yes"],
} as const;

/** Which files hold a token that opens the vault afterwards, and where the program is killed. */
const KILLS: readonly (readonly [keyof typeof VERBS, "before" | "after", string, readonly string[]])[] = [
  ["create", "before", "PUT manifest", ["old"]],
  ["create", "after", "PUT manifest", ["old", "new"]],
  ["rotate", "before", "PUT manifest", ["old"]],
  ["rotate", "before", "PUT audit", ["new"]],
  ["revoke", "after", "PUT v=", ["old"]],
  ["revoke", "after", "PUT manifest", []],
];

async function expectKilled(machine: Machine, gate: Gate, [verb, when, at, holders]: (typeof KILLS)[number]) {
  await must(machine, "tokens", "create", "prod", "--name=old", "--out=old");
  const held = gate.stopAt({ at, when });
  const child = machine.start(["tokens", ...VERBS[verb]]);
  const closed = once(child, "close");
  await Promise.race([held, closed.then(() => Promise.reject(new Error("it was not held")))]);
  child.kill("SIGKILL");
  await closed;
  gate.open();
  const sights = new Map(
    await Promise.all(["old", "new"].map(async (name) => [name, await sightOf(await fileOf(machine, name))] as const)),
  );
  const live = holders.map((name) => sights.get(name));
  expect(await activeTokens(machine)).toEqual(live);
  for (const [name, sight] of sights) expect([name, sight.startsWith("tok_")]).toEqual([name, holders.includes(name)]);
  // The next commit succeeds, and appends the row.
  await must(machine, "tokens", "create", "prod", "--name=next", "--split");
  expect(await machine.chain(OLD)).toMatchObject({ outstanding: null });
}

describe("SIGKILL: every live token has its holder, and no other string opens", () => {
  test.each(KILLS)("tokens %s, %s %s", async (...kill) => {
    server.buckets.get("strict")?.clear();
    await using gate = await openGate(server.endpoint);
    await using machine = await machineOn(server, gate.endpoint);
    await expectKilled(machine, gate, kill);
  });

  test.skipIf(real === null)("on a real S3 server, tokens rotate, after PUT manifest", async () => {
    await using gate = await openGate(real?.endpoint ?? "");
    await using machine = await opened(() => machineOnRealS3(gate.endpoint));
    await expectKilled(machine, gate, ["rotate", "after", "PUT manifest", ["new"]]);
  });
});
