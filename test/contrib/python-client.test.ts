import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";
import { loadVectors, vectorNamed } from "../vectors/load.ts";
import { findPython, type PythonRun, runPython } from "./python.ts";

/*
 * The second client, in another language: it opens vaults that the CLI wrote, and writes vaults that the CLI opens and commits to.
 */

const python = findPython();
if (python === null) {
  process.stderr.write(
    "tests of contrib/python are skipped: no python3 with the modules argon2 and cryptography " +
      "(Debian: python3-argon2, python3-cryptography; VSYNC_TEST_PYTHON names another)\n",
  );
}

const ROOT = join(import.meta.dirname, "../..");
const NEW = "a second passphrase, typed twice";

test("the client is shorter than 200 lines", () => {
  const lines = readFileSync(join(ROOT, "contrib/python/vsync_client.py"), "utf8").split("\n").length - 1;
  expect(lines).toBeLessThan(200);
});

describe.skipIf(python === null)("the Python client", () => {
  const run = (script: string, options: PythonRun) => runPython(python ?? "", script, options);

  test("agrees with every test vector but those of grants, access tokens and commits with scoped tokens", async () => {
    const { stdout, stderr, exitCode } = await run("run_vectors.py", { args: [join(ROOT, "test/vectors/data")] });
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const [, agreeing, others = 0] = /^(\d+) of \1 agree(?:; (\d+) are not for this client)?\n$/.exec(stdout) ?? [];
    expect(Number(agreeing) + Number(others)).toBe(loadVectors().length);
    expect(Number(agreeing)).toBeGreaterThan(570);
  });

  test("its runner reports a vector that disagrees", async () => {
    const vector = vectorNamed("kdf/small-cost");
    const altered = { ...vector, out: { ...(vector.out as object), mac: { hex: "00" } } };
    await using home = await openVaultHome();
    // In its own file, because the project's objects are packed.
    await home.sandbox.write("work/altered/kdf/small-cost.json", JSON.stringify(altered));
    const { stdout, exitCode } = await run("run_vectors.py", { args: [join(home.sandbox.work, "altered")] });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^kdf\/small-cost: wants success; gives .*\n0 of 1 agree\n$/);
  });

  // Each command derives at the default cost, some of them twice.
  describe("and the CLI, on one directory store", () => {
    let home: VaultHome;
    let token: string;
    beforeEach(async () => {
      home = await openVaultHome();
      token = await home.token();
    });
    afterEach(() => home[Symbol.asyncDispose]());

    const boot = (passphrase: string) => ({ VSYNC_CONFIG: token, VSYNC_PASSPHRASE: passphrase });
    async function json(script: string, options: PythonRun = {}): Promise<unknown> {
      const env = { ...boot(PASSPHRASE), ...options.env };
      const { stdout, stderr, exitCode } = await run(script, { ...options, env });
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
      return JSON.parse(stdout);
    }
    const refusal = async (script: string, options: PythonRun = {}): Promise<string> => {
      const { stdout, stderr, exitCode } = await run(script, {
        ...options,
        env: { ...boot(PASSPHRASE), ...options.env },
      });
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
      return stderr;
    };

    test("it opens a vault after push, set, unset, restore and gc", async () => {
      await home.sandbox.write("work/ca.pem", Uint8Array.of(0, 255, 10));
      const words = ["push", "prod", "--from=-", "--file=certs/ca.pem=ca.pem"];
      const pushed = await home.run(words, { stdin: "A=1\nU='caf\u00e9 \u{1f511}'\n" });
      expect(pushed.exitCode).toBe(0);
      const files = { "certs/ca.pem": "AP8K" };
      const contents = { env: "prod", secrets: { A: "1", U: "caf\u00e9 \u{1f511}" }, files };
      expect(await json("vsync_client.py")).toMatchObject({ gen: 1, ...contents });
      await home.run(["set", "prod", "B", "--from-file=-"], { stdin: "2" });
      await home.must("unset", "prod", "A", "--yes");
      expect(await json("vsync_client.py")).toMatchObject({ gen: 3, secrets: { U: "caf\u00e9 \u{1f511}", B: "2" } });
      await home.must("restore", "prod", "--gen=1", "--yes");
      await home.must("gc", "prod", "--keep=1", "--older-than=0s", "--yes");
      expect(await json("vsync_client.py")).toMatchObject({ gen: 5, ...contents });
      const { rows, outstanding } = (await json("vsync_audit.py")) as { rows: { action: string }[]; outstanding: null };
      expect(rows.map(({ action }) => action)).toEqual(["gc", "restore", "unset", "set", "push"]);
      expect(outstanding).toBeNull();
    });

    test("in a grace window it opens the vault with both passphrases, and afterwards only with the new one", async () => {
      await home.push({ A: "1" });
      const rotation = ["rotate-passphrase", "--env=prod", "--yes", "--grace=1h"];
      const env = { VSYNC_NEW_PASSPHRASE: NEW };
      expect((await home.run(rotation, { env })).exitCode).toBe(0);
      const opened = { gen: 2, env: "prod", secrets: { A: "1" }, files: {} };
      for (const passphrase of [PASSPHRASE, NEW]) {
        expect(await json("vsync_client.py", { env: { VSYNC_PASSPHRASE: passphrase } })).toEqual(opened);
      }
      const push = { stdin: '{"A":"2"}' };
      expect(await refusal("vsync_push.py", push)).toMatch(/^InputError: this passphrase can only read until \S+Z: /);
      expect(await json("vsync_push.py", { ...push, env: { VSYNC_PASSPHRASE: NEW } })).toEqual({ gen: 3 });
      // The CLI also opens the reader slot that Python sealed for the old passphrase.
      expect((await home.run(["get", "prod", "A"])).stdout).toBe("2\n");
      const finish = await home.run(["rotate-passphrase", "--env=prod", "--finish", "--yes"], {
        env: { VSYNC_PASSPHRASE: NEW },
      });
      expect(finish.exitCode).toBe(0);
      expect(await refusal("vsync_client.py")).toBe("WrongPassphraseError: the passphrase opens no slot\n");
      const then = { VSYNC_PASSPHRASE: NEW, VSYNC_PASSPHRASE_THEN: PASSPHRASE };
      expect(await json("vsync_audit.py", { args: ["1"], env: then })).toEqual({ ...opened, gen: 1 });
    });

    test("it writes the first generation and later ones; the CLI opens them, commits on top, and verifies the chain", async () => {
      expect(await json("vsync_push.py", { stdin: '{"A":"1","EMPTY":""}' })).toEqual({ gen: 1 });
      expect((await home.must("get", "prod", "A")).stdout).toBe("1\n");
      expect((await home.push({ A: "2", C: "3" })).exitCode).toBe(0);
      expect(await json("vsync_push.py", { stdin: '{"Z":"caf\\u00e9"}' })).toEqual({ gen: 3 });
      expect((await home.must("get", "prod", "Z")).stdout).toBe("caf\u00e9\n");
      const env = { VSYNC_NEW_PASSPHRASE: NEW };
      expect((await home.run(["rotate-passphrase", "--env=prod", "--yes"], { env })).exitCode).toBe(0);
      const verified = await home.run(["audit", "verify", "prod"], { env: { VSYNC_PASSPHRASE: NEW } });
      expect(verified).toMatchObject({ exitCode: 0, stderr: "✓ Audit chain of prod verified: 4 rows, gen=4\n" });
    });

    test("a scoped token of the CLI, on a vault that Python made, opens with Python to what it was granted, until it ends", async () => {
      expect(await json("vsync_push.py", { stdin: '{"A":"1","B":"2"}' })).toEqual({ gen: 1 });
      const create = ["tokens", "create", "prod", "--name=api", "--only=A", "--expires=never"];
      const scoped = { VSYNC_CONFIG: (await home.must(...create)).stdout.trim(), VSYNC_PASSPHRASE: "" };
      expect(await json("vsync_token.py", { env: scoped })).toMatchObject({ gen: 2, secrets: { A: "1" } });
      expect((await home.run(["list"], { env: scoped })).stdout).toBe("A\n");
      // Python does not carry tokens over to a new bundle, so it must not commit.
      const stdin = '{"A":"3"}';
      expect(await refusal("vsync_push.py", { stdin })).toContain("scoped tokens cannot be carried over");
      const next = (await home.must("tokens", "rotate", "prod", "api", "--split")).stdout.trim();
      expect(await refusal("vsync_token.py", { env: scoped })).toBe("TokenRevokedError: revoked\n");
      const apart = { ...scoped, VSYNC_TOKEN: next };
      expect(await json("vsync_token.py", { env: apart })).toMatchObject({ gen: 3, secrets: { A: "1" } });
    });

    test("it refuses altered, rolled-back and swapped objects", async () => {
      await home.push({ A: "1" });
      const manifest = join(home.vaultFolder, "manifest");
      const first = await readFile(manifest);
      await home.push({ A: "2" });
      token = await home.token();
      const second = await readFile(manifest);
      const bundle = /"key":"(v=\w+)"/.exec(second.toString())?.[1] ?? expect.unreachable();
      await writeFile(manifest, first);
      expect(await refusal("vsync_client.py")).toBe("RollbackError: older than minGen\n");
      await writeFile(manifest, second.toString().replace('"prod"', '"test"'));
      expect(await refusal("vsync_client.py")).toBe("NotAuthenticError: bad signature\n");
      await writeFile(manifest, second);
      await writeFile(join(home.vaultFolder, bundle), (await readFile(join(home.vaultFolder, bundle))).toReversed());
      expect(await refusal("vsync_client.py")).toBe("BundleCorruptError: absent, or altered\n");
    });
  });
});
