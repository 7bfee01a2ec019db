import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOn, NEW, OLD, type StrictS3, startStrictS3 } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";
import { ROOT } from "../support/strict-s3/server.ts";

const PREFIX = "api/prod/";
const BUNDLE = /^api\/prod\/v=/;
const MANIFEST = `${PREFIX}manifest`;
const ROW_1 = `${PREFIX}audit/000000000001`;
const ROW_2 = `${PREFIX}audit/000000000002`;
const DENIED = { kind: "answer", apply: false, status: 403, code: "AccessDenied" } as const;
const DOWN = { kind: "answer", apply: false, status: 503, code: "ServiceUnavailable" } as const;
/** More often than anything is tried. */
const ALWAYS = 100;

let server: StrictS3;
let machine: Machine;
beforeEach(async () => {
  server = await startStrictS3();
  machine = await machineOn(server);
});
afterEach(async () => {
  await machine[Symbol.asyncDispose]();
  await server.close();
});

const tidy = (transcript: Transcript): Transcript => machine.sandbox.tidy(transcript, { "<ts>": /\d{8}T\d{9}Z/g });

/** The error and hint on stderr, without the lines before them. */
function failureIn({ stderr }: Transcript): string {
  return stderr.slice(stderr.indexOf("vsync: error:"));
}

async function expectAsBefore(): Promise<void> {
  server.faults.clear();
  expect(await machine.sight(OLD)).toBe("writes");
  expect(await machine.sight(NEW)).toBe("WrongPassphraseError");
  const again = await machine.rotate();
  expect(again, again.stderr).toMatchObject({ stdout: "", exitCode: 0 });
  expect(await machine.chain(NEW)).toEqual({ gens: [1, 2], outstanding: null });
}

async function expectRotated(outstanding: number | null): Promise<void> {
  server.faults.clear();
  expect(await machine.sight(OLD)).toBe("WrongPassphraseError");
  expect(await machine.sight(NEW)).toBe("writes");
  expect((await machine.chain(NEW)).outstanding).toBe(outstanding);
}

test("0: seven requests, each object written once", async () => {
  server.log.length = 0;
  expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 0 });
  const requests = server.log.map(
    ({ method, key }) => `${method} ${key.replace(/v=.*/, "v=<ts>").slice(PREFIX.length)}`,
  );
  expect(requests).toEqual([
    "GET manifest",
    "GET v=<ts>",
    "HEAD audit/000000000002",
    "GET audit/000000000001",
    "PUT v=<ts>",
    "PUT manifest",
    "PUT audit/000000000002",
  ]);
  const [bundle, manifest, row] = server.log.slice(4).map(({ headers }) => headers);
  expect(bundle?.["if-none-match"]).toBe("*");
  expect(manifest?.["if-match"]).toBeDefined();
  expect(row?.["if-none-match"]).toBe("*");
  await expectRotated(null);
});

describe("2: the store failed before the swap", () => {
  test("the bundle is refused", async () => {
    server.faults.add({ method: "PUT", key: BUNDLE }, DENIED, ALWAYS);
    const transcript = tidy(await machine.rotate());
    expect(transcript).toEqual({
      stdout: "",
      stderr: `vsync: error: cannot write s3://strict/api/prod/v=<ts>: access denied
vsync: hint: check what the access key may do: vsync policy prints what it needs
`,
      exitCode: 2,
    });
    await expectAsBefore();
  });

  test("the store is down while the bundle is uploaded", async () => {
    server.faults.add({ method: "PUT", key: BUNDLE }, DOWN, ALWAYS);
    const transcript = await machine.rotate();
    expect(transcript).toMatchObject({ stdout: "", exitCode: 2 });
    expect(transcript.stderr).not.toContain("✓");
    await expectAsBefore();
  });

  test("what became of the bundle cannot be learnt: nothing names it", async () => {
    server.faults.add({ method: "PUT", key: BUNDLE }, { kind: "drop", apply: true }, ALWAYS);
    server.faults.add({ method: "GET", key: BUNDLE }, { kind: "delay", ms: 0 });
    server.faults.add({ method: "GET", key: BUNDLE }, DENIED, ALWAYS);
    const transcript = tidy(await machine.rotate());
    expect(transcript).toMatchObject({ stdout: "", exitCode: 2 });
    expect(transcript.stderr).toMatch(/^vsync: error: the new generation was not written: it is not known whether /);
    expect(transcript.stderr).toContain("vsync: hint: the vault is as it was: run the same command again\n");
    await expectAsBefore();
  });

  test("the manifest, the bundle or the row cannot be read", async () => {
    for (const key of [MANIFEST, BUNDLE, ROW_1]) {
      server.faults.add({ method: "GET", key }, DENIED, ALWAYS);
      expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 2 });
      server.faults.clear();
    }
    await expectAsBefore();
  });

  test("an outstanding row that cannot be appended: nothing else is written", async () => {
    await machine.store.delete("audit/000000000001");
    const objects = await machine.objects();
    server.faults.add({ method: "PUT", key: ROW_1 }, DENIED, ALWAYS);
    expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 2 });
    expect(await machine.objects()).toEqual(objects);
    await expectAsBefore();
  });

  test("the store cannot be reached", async () => {
    await server.close();
    const transcript = await machine.rotate();
    expect(transcript).toMatchObject({ stdout: "", exitCode: 2 });
    expect(transcript.stderr).toContain("refuses connections");
  });
});

describe("3: the swap failed", () => {
  const HARMLESS = "stale object at v=<ts> is harmless (manifest never named it)";

  test("412: another rotation was faster", async () => {
    // As if another manifest had come in between.
    const bucket = server.buckets.get("strict");
    const action = (): void => {
      const current = bucket?.get(MANIFEST);
      if (current !== undefined) bucket?.set(MANIFEST, { ...current, etag: '"another"' });
    };
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "meanwhile", action });
    const transcript = tidy(await machine.rotate());
    expect(transcript).toEqual({
      stdout: "",
      stderr: `✓ Bundle re-encrypted with new passphrase (gen=1 → gen=2)
vsync: error: another writer committed generation 2 first; ${HARMLESS}
vsync: hint: run the same command again: it starts from the newest generation
`,
      exitCode: 3,
    });
    await expectAsBefore();
  });

  test("the manifest is refused", async () => {
    server.faults.add({ method: "PUT", key: MANIFEST }, DENIED, ALWAYS);
    const transcript = tidy(await machine.rotate());
    expect(transcript).toMatchObject({ stdout: "", exitCode: 3 });
    expect(failureIn(transcript)).toBe(
      `vsync: error: the manifest was not swapped: cannot write s3://strict/api/prod/manifest: access denied; ${HARMLESS}
vsync: hint: check what the access key may do: vsync policy prints what it needs
`,
    );
    await expectAsBefore();
  });

  test("the store is down", async () => {
    server.faults.add({ method: "PUT", key: MANIFEST }, DOWN, ALWAYS);
    const transcript = tidy(await machine.rotate());
    expect(transcript).toMatchObject({ stdout: "", exitCode: 3 });
    expect(failureIn(transcript)).toContain(HARMLESS);
    await expectAsBefore();
  });

  test("--finish: 3 as well", async () => {
    await machine.rotateElsewhere(OLD, NEW, 3_600_000);
    server.faults.add({ method: "PUT", key: MANIFEST }, DENIED, ALWAYS);
    const finish = ["rotate-passphrase", "--env=prod", "--finish"];
    const transcript = tidy(await machine.run(finish, { env: { VSYNC_PASSPHRASE: NEW } }));
    expect(transcript).toMatchObject({ stdout: "", exitCode: 3 });
    expect(failureIn(transcript)).toContain(HARMLESS);
    expect(await machine.sight(OLD)).toBe("reads");
  });

  test.each([
    ["and was", true],
    ["and was not", false],
  ])("the outcome cannot be learnt, %s applied: says so, with no word of harmless", async (_name, apply) => {
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "drop", apply });
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "drop", apply: false }, ALWAYS);
    server.faults.add({ method: "GET", key: MANIFEST }, { kind: "delay", ms: 0 });
    server.faults.add({ method: "GET", key: MANIFEST }, DENIED, ALWAYS);
    const transcript = await machine.rotate();
    expect(transcript).toMatchObject({ stdout: "", exitCode: 3 });
    expect(transcript.stderr).toContain("vsync: error: generation 2 may or may not have been committed: ");
    expect(transcript.stderr).not.toContain("harmless");
    if (apply) await expectRotated(2);
    else await expectAsBefore();
  });
});

describe("4: rotated, the audit row is not written", () => {
  test("names the command, which then writes it", async () => {
    server.faults.add({ method: "PUT", key: ROW_2 }, DENIED, ALWAYS);
    const transcript = tidy(await machine.rotate());
    expect(transcript).toEqual({
      stdout: "",
      stderr: `✓ Bundle re-encrypted with new passphrase (gen=1 → gen=2)
✓ Manifest pointer updated atomically (ETag-conditional)
next: 1. set VSYNC_PASSPHRASE of prod in your secret store, or its file, to the new passphrase
      2. roll-restart the apps in prod
vsync: warning: until both are done, an app in prod that starts with the old passphrase cannot open the vault (WrongPassphraseError); next time, --grace=24h leaves no such window
the bundles up to gen=1 still open with the old passphrase; vsync gc --env=prod --keep=1 --older-than=0s removes them
vsync: error: gen=2 is in force, but its audit row is not written: cannot write s3://strict/api/prod/audit/000000000002: access denied
vsync: hint: run vsync audit reconcile --env=prod
`,
      exitCode: 4,
    });
    await expectRotated(2);
    const reconciled = await machine.run(["audit", "reconcile", "--env=prod"], { env: { VSYNC_PASSPHRASE: NEW } });
    expect(reconciled).toEqual({ stdout: "", stderr: "✓ Audit row of gen=2 appended\n", exitCode: 0 });
    await expectRotated(null);
  });

  test("the machine has remembered the rotation", async () => {
    server.faults.add({ method: "PUT", key: ROW_2 }, DOWN, ALWAYS);
    expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 4 });
    const config = JSON.parse(await readFile(`${machine.sandbox.configFolder}/api/prod.json`, "utf8"));
    expect(config.seenGen).toBe(2);
  });

  test("another row stands in its place", async () => {
    const planted = { bytes: new TextEncoder().encode("planted"), etag: '"planted"', modifiedMs: 0 };
    const action = (): void => void server.buckets.get("strict")?.set(ROW_2, planted);
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "meanwhile", action });
    const transcript = await machine.rotate();
    expect(transcript).toMatchObject({ stdout: "", exitCode: 4 });
    expect(transcript.stderr).toContain("audit row 2 is there and is another one");
    const reconciled = await machine.run(["audit", "reconcile", "--env=prod"], { env: { VSYNC_PASSPHRASE: NEW } });
    expect(reconciled).toMatchObject({ stdout: "", exitCode: 6 });
  });

  test("with --generate the passphrase is on stdout all the same", async () => {
    server.faults.add({ method: "PUT", key: ROW_2 }, DENIED, ALWAYS);
    const { stdout, exitCode } = await machine.rotate(["--generate"]);
    expect(exitCode).toBe(4);
    expect(await machine.sight(stdout.trim())).toBe("writes");
  });
});

describe("lost answers are settled: one success, each object once", () => {
  test.each([BUNDLE, MANIFEST, ROW_2])("of %s", async (key) => {
    server.faults.add({ method: "PUT", key }, { kind: "drop", apply: true });
    const transcript = await machine.rotate();
    expect(transcript, transcript.stderr).toMatchObject({ stdout: "", exitCode: 0 });
    await expectRotated(null);
    const keys = Object.keys(await machine.objects());
    expect(keys.filter((it) => it.startsWith("v="))).toHaveLength(2);
    expect(keys.filter((it) => it.startsWith("audit/"))).toHaveLength(2);
  });
});

describe("a generated passphrase is neither lost nor left where it opens nothing", () => {
  const OUT = ["--generate", "--out=new"];
  const outFile = (): Promise<string | null> => readFile(`${machine.sandbox.work}/new`, "utf8").catch(() => null);

  test("it is on the disk before the first write", async () => {
    await machine.store.delete("audit/000000000001");
    let seen: string | undefined;
    const action = (): void => {
      seen ??= readFileSync(`${machine.sandbox.work}/new`, "utf8");
    };
    server.faults.add({ method: "PUT" }, { kind: "meanwhile", action });
    const transcript = await machine.rotate(OUT);
    expect(transcript.exitCode, transcript.stderr).toBe(0);
    expect(seen).toMatch(/^([0-9a-z]{4}-){6}[0-9a-z]{4}$/);
    expect(await outFile()).toBe(seen);
    expect(await machine.sight(seen ?? "")).toBe("writes");
  });

  test.each([
    ["before the swap", { method: "PUT", key: BUNDLE }, 2],
    ["at the swap", { method: "PUT", key: MANIFEST }, 3],
  ])("a rotation that failed %s removes the file and says so", async (_name, matcher, exitCode) => {
    server.faults.add(matcher, DENIED, ALWAYS);
    const transcript = await machine.rotate(OUT);
    expect(transcript).toMatchObject({ stdout: "", exitCode });
    expect(transcript.stderr).toContain("new is removed: the passphrase in it opens nothing\n");
    expect(await outFile()).toBeNull();
    server.faults.clear();
    expect(await machine.rotate(OUT)).toMatchObject({ stdout: "", exitCode: 0 });
  });

  test("one that may have happened leaves it, says so, and a retry refuses it", async () => {
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "drop", apply: true }, ALWAYS);
    server.faults.add({ method: "GET", key: MANIFEST }, { kind: "delay", ms: 0 });
    server.faults.add({ method: "GET", key: MANIFEST }, DENIED, ALWAYS);
    const transcript = await machine.rotate(OUT);
    expect(transcript).toMatchObject({ stdout: "", exitCode: 3 });
    const stays = "vsync: warning: new stays: it may hold the passphrase that opens the vault now\n";
    expect(transcript.stderr).toContain(stays);
    server.faults.clear();
    const retry = await machine.rotate(OUT);
    expect(retry).toMatchObject({ stdout: "", exitCode: 1 });
    const check = await machine.run(["audit", "verify", "--env=prod", "--passphrase-file=new"]);
    expect(check.exitCode, check.stderr).toBe(0);
    expect(await machine.sight((await outFile()) ?? "")).toBe("writes");
  });

  test("on stdout: nothing where it failed, and what may open the vault where nobody knows", async () => {
    server.faults.add({ method: "PUT", key: MANIFEST }, DENIED, ALWAYS);
    expect(await machine.rotate(["--generate"])).toMatchObject({ stdout: "", exitCode: 3 });
    server.faults.clear();
    server.faults.add({ method: "PUT", key: MANIFEST }, { kind: "drop", apply: true }, ALWAYS);
    server.faults.add({ method: "GET", key: MANIFEST }, { kind: "delay", ms: 0 });
    server.faults.add({ method: "GET", key: MANIFEST }, DENIED, ALWAYS);
    const { stdout, stderr, exitCode } = await machine.rotate(["--generate"]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("what is on stdout may be the passphrase that opens the vault now");
    server.faults.clear();
    expect(await machine.sight(stdout.trim())).toBe("writes");
  });
});

test("no secret in any output, nor in the store, at --log-level=debug", async () => {
  const secrets = [OLD, NEW, ROOT.secretAccessKey, "planted-secret-value"];
  const outputs: string[] = [];
  const run = async (...args: string[]): Promise<void> => {
    const { stdout, stderr } = await machine.rotate([...args, "--log-level=debug"]);
    outputs.push(stdout, stderr);
  };
  server.faults.add({ method: "PUT", key: BUNDLE }, DENIED, 1);
  await run();
  server.faults.add({ method: "PUT", key: MANIFEST }, DENIED, 1);
  await run();
  server.faults.add({ method: "PUT", key: ROW_2 }, DENIED, 1);
  await run("--grace=1h");
  await run();
  for (const [key, { bytes }] of server.buckets.get("strict") ?? [])
    outputs.push(key, Buffer.from(bytes).toString("latin1"));
  for (const { key, query, headers } of server.log) outputs.push(key, query, JSON.stringify(headers));
  for (const secret of secrets) {
    for (const output of outputs) expect(output).not.toContain(secret);
  }
});
