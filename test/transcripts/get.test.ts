import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

const ANSI = "\u001b[31mred";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.sandbox.write("work/sa.json", "{}\n", 0o644);
  await home.sandbox.write("work/.env.prod", `DATABASE_URL=postgres://db\nLINES='a\nb'\nANSI='${ANSI}'\n`);
  await home.must("push", "prod", "--file=keys/sa.json=sa.json");
});
afterAll(() => home[Symbol.asyncDispose]());

const shown = (stdout: string) => ({ stdout, stderr: "", exitCode: 0 });

describe("vsync get", () => {
  test.each([
    [["prod", "DATABASE_URL"], "postgres://db\n"],
    [["--env=prod", "DATABASE_URL"], "postgres://db\n"],
    [["prod", "--env=prod", "DATABASE_URL"], "postgres://db\n"],
    [["prod", "DATABASE_URL", "--raw"], "postgres://db"],
    [["prod", "LINES"], "a\nb\n"],
    [["prod", "ANSI", "--raw"], ANSI],
    [["prod", "keys/sa.json", "--raw"], "{}\n"],
  ])("%j", async (words, stdout) => {
    expect(await home.run(["get", ...words])).toEqual(shown(stdout));
  });

  test("--json is for values of any kind", async () => {
    const lines = JSON.parse((await home.must("get", "prod", "LINES", "--json")).stdout);
    expect(lines).toEqual({ name: "LINES", kind: "secret", value: "a\nb" });
    const file = JSON.parse((await home.must("get", "prod", "keys/sa.json", "--json")).stdout);
    expect(file).toEqual({ name: "keys/sa.json", kind: "file", mode: "0644", base64: "e30K" });
  });

  test("from VSYNC_CONFIG and VSYNC_PASSPHRASE alone, where one word is the name", async () => {
    const VSYNC_CONFIG = await home.token();
    const env = { VSYNC_CONFIG, HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };
    expect(await home.run(["get", "DATABASE_URL"], { env })).toEqual(shown("postgres://db\n"));
  });

  test("on a terminal, after asking for the passphrase there", async () => {
    const session = await home.sandbox.terminal(["get", "prod", "DATABASE_URL"]);
    await session.shows("Passphrase:");
    session.answer(PASSPHRASE);
    expect(await session.end()).toMatchObject({ stdout: "postgres://db\n", exitCode: 0, isRestored: true });
  });
});

describe("vsync get fails", () => {
  const one = "give one of them";
  test.each([
    [["prod", "DATABSE_URL"], 'the vault has no "DATABSE_URL"', "did you mean DATABASE_URL?"],
    [["prod", "sa.json"], 'the vault has no "sa.json"', "`vsync list` shows the names"],
    [
      ["prod", "keys/sa.json"],
      "keys/sa.json is a file of 3 bytes",
      "get its bytes with --raw, or all files at once with `vsync pull`",
    ],
    [["prod"], "missing KEY", "usage: vsync get ENV KEY [flags]"],
    [[], "missing KEY", "usage: vsync get ENV KEY [flags]"],
    [["prod", "A", "--env=dev"], "--env and the argument name two environments", one],
    [["prod", "A", "--raw", "--json"], "--raw cannot be used together with --json", "see vsync get --help"],
  ])("%j: 1", async (words, error, hint) => {
    const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
    expect(await home.run(["get", ...words])).toEqual({ stdout: "", stderr, exitCode: 1 });
  });

  test("an env that this machine does not know: 4", async () => {
    expect(await home.run(["get", "dev", "A"])).toMatchObject({ stdout: "", exitCode: 4 });
  });
});
