import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.push({ A: "1", B: "2", C: "3", D: "4", DATABASE_URL: "5" });
});
afterAll(() => home[Symbol.asyncDispose]());

const list = async () => (await home.must("list", "prod")).stdout;

test("vsync unset removes the names, at once, and remembers the generation", async () => {
  const one = { stdout: "", stderr: "  - A\n✓ Updated prod (gen=2): 1 removed\n", exitCode: 0 };
  expect(await home.run(["unset", "prod", "A"])).toEqual(one);
  const two = { stdout: "", stderr: "  - B\n  - C\n✓ Updated prod (gen=3): 2 removed\n", exitCode: 0 };
  expect(await home.run(["unset", "--env=prod", "C", "B", "C"])).toEqual(two);
  expect(await list()).toBe("D\nDATABASE_URL\n");
  expect((await home.must("status", "prod", "--json")).stdout).toContain('"seenGen": 3');
});

test.each([
  [["prod", "D", "NOPE"], 'the vault has no "NOPE"', "`vsync list` shows the names"],
  [["prod", "DATABASE_ULR"], 'the vault has no "DATABASE_ULR"', "did you mean DATABASE_URL?"],
  [["prod"], "missing KEY", "usage: vsync unset ENV KEY… [flags]"],
  [[], "missing ENV", "usage: vsync unset ENV KEY… [flags]"],
])("vsync unset %j is refused, and nothing is removed", async (words, error, hint) => {
  const before = await home.sandbox.snapshot();
  const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
  expect(await home.run(["unset", ...words])).toEqual({ stdout: "", stderr, exitCode: 1 });
  expect(await home.sandbox.snapshot()).toEqual(before);
});
