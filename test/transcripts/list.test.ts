import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.sandbox.write("work/ca.pem", new Uint8Array(1536), 0o644);
  await home.sandbox.write("work/.env.prod", "TOKEN=planted\nAPI_KEY=planted\n");
  await home.must("push", "prod", "--file=certs/ca.pem=ca.pem");
});
afterAll(() => home[Symbol.asyncDispose]());

test("vsync list: a name a line, sorted", async () => {
  const names = { stdout: "API_KEY\nTOKEN\ncerts/ca.pem\n", stderr: "", exitCode: 0 };
  expect(await home.run(["list", "prod"])).toEqual(names);
  const env = { VSYNC_CONFIG: await home.token(), HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };
  expect(await home.run(["list"], { env })).toEqual(names);
});

test("vsync list --json has kinds, and the sizes of files", async () => {
  const { stdout } = await home.must("list", "prod", "--json");
  expect(JSON.parse(stdout)).toEqual({
    env: "prod",
    generation: 1,
    items: [
      { name: "API_KEY", kind: "secret" },
      { name: "TOKEN", kind: "secret" },
      { name: "certs/ca.pem", kind: "file", size: 1536, mode: "0644" },
    ],
  });
});

test("vsync list on a terminal is a table", async () => {
  const session = await home.sandbox.terminal(["list", "prod"], { showStdout: true });
  await session.shows("Passphrase:");
  session.answer(PASSPHRASE);
  const { screen, exitCode } = await session.end();
  expect(exitCode).toBe(0);
  expect(screen).not.toContain("planted");
  const table = ["NAME          KIND       SIZE", "API_KEY       secret", "TOKEN         secret"];
  expect(screen).toContain([...table, "certs/ca.pem  file    1.5 KiB", ""].join("\r\n"));
});

test("vsync list of no vault", async () => {
  const stderr =
    "vsync: error: no vault is named\n" +
    "vsync: hint: name the environment, as in --env=prod, or set VSYNC_CONFIG and VSYNC_PASSPHRASE\n";
  expect(await home.run(["list"])).toEqual({ stdout: "", stderr, exitCode: 1 });
});

test("vsync list of an empty vault", async () => {
  await home.must("unset", "prod", "TOKEN", "API_KEY", "certs/ca.pem");
  expect(await home.run(["list", "prod"])).toEqual({ stdout: "", stderr: "prod holds nothing (gen=2)\n", exitCode: 0 });
});
