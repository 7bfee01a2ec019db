import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../integration/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.sandbox.write("work/ca.pem", "pem");
  await home.sandbox.write("work/.env.prod", "X_ONE=1\nX_TWO=2\nX_THREE=3\n");
  await home.must("push", "prod", "--file=ca.pem=ca.pem");
});
afterAll(() => home[Symbol.asyncDispose]());

const program = ["--", "sh", "-c", "env | grep ^X_ | sort"];

test.each([
  [["--only=X_ONE"], "X_ONE=1\n"],
  [["--only", "X_ONE,X_TWO"], "X_ONE=1\nX_TWO=2\n"],
  [["--only", "X_ONE", "--only", "X_TWO"], "X_ONE=1\nX_TWO=2\n"],
  [["--except=X_ONE"], "X_THREE=3\nX_TWO=2\n"],
  [["--except", "X_ONE,X_TWO"], "X_THREE=3\n"],
  [[], "X_ONE=1\nX_THREE=3\nX_TWO=2\n"],
])("vsync run %j hands over", async (flags, stdout) => {
  expect(await home.run(["run", ...flags, "prod", ...program])).toEqual({ stdout, stderr: "", exitCode: 0 });
});

test("what is not selected does not hide the program's own variable", async () => {
  const ran = await home.run(["run", "prod", "--only=X_ONE", ...program], { env: { X_TWO: "own" } });
  expect(ran.stdout).toBe("X_ONE=1\nX_TWO=own\n");
});

test.each([
  [["--only=X_TOW"], 'the vault has no secret "X_TOW"', "did you mean X_TWO?"],
  [["--except=X_TOW"], 'the vault has no secret "X_TOW"', "did you mean X_TWO?"],
  [["--only=ca.pem"], 'the vault has no secret "ca.pem"', "`vsync list` shows the names"],
  [["--only=X_ONE", "--except=X_TWO"], "--only cannot be used together with --except", "see vsync run --help"],
])("vsync run %j does not start the program", async (flags, error, hint) => {
  const ran = await home.run(["run", "prod", ...flags, "--", "echo", "started"]);
  const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
  expect(ran).toEqual({ stdout: "", stderr, exitCode: 1 });
});
