import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
});
afterAll(() => home[Symbol.asyncDispose]());

/** The user that the row of a push names. */
async function actorOf(value: string, env: Record<string, string>): Promise<string> {
  await home.run(["push", "prod", "--from=-"], { stdin: `A=${value}`, env });
  const { rows } = JSON.parse((await home.must("audit", "prod", "--json", "--tail=1")).stdout);
  return rows.at(-1).actor.user;
}

test("an audit row names the account of the process, not $USER, or VSYNC_ACTOR", async () => {
  const account = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  expect(await actorOf("1", { USER: "eve", LOGNAME: "eve", USERNAME: "eve" })).toBe(account);
  expect(await actorOf("2", { VSYNC_ACTOR: "release-bot" })).toBe("release-bot");
});
