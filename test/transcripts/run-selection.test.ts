import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

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
  [["--prefix=P_"], "P_X_ONE=1\nP_X_THREE=3\nP_X_TWO=2\n"],
  [["--prefix=P_", "--only=X_TWO"], "P_X_TWO=2\nX_ONE=own\n"],
])(
  "vsync run %j puts the prefix before every name of the vault, and leaves the program's own alone",
  async (flags, out) => {
    const env = flags.length > 1 ? { X_ONE: "own" } : {};
    const show = ["--", "sh", "-c", "env | grep -E '^(P_)?X_' | sort"];
    expect(await home.run(["run", "prod", ...flags, ...show], { env })).toEqual({
      stdout: out,
      stderr: "",
      exitCode: 0,
    });
  },
);

test("a prefixed name that is set already is refused, and the program is not started", async () => {
  const ran = await home.run(["run", "prod", "--prefix=P_", "--", "echo", "started"], { env: { P_X_TWO: "" } });
  const stderr =
    "vsync: error: P_X_TWO is already set in this environment\n" +
    "vsync: hint: give another --prefix, or unset the variable first\n";
  expect(ran).toEqual({ stdout: "", stderr, exitCode: 1 });
});

test.each([
  [
    ["--prefix=1"],
    "--prefix cannot begin the name of a variable",
    "use letters, digits and underscores, no digit first, as in --prefix=APP_",
  ],
  [
    ["--prefix="],
    "--prefix cannot begin the name of a variable",
    "use letters, digits and underscores, no digit first, as in --prefix=APP_",
  ],
  [["--only=X_TOW"], 'the vault has no secret "X_TOW"', "did you mean X_TWO?"],
  [["--except=X_TOW"], 'the vault has no secret "X_TOW"', "did you mean X_TWO?"],
  [["--only=ca.pem"], 'the vault has no secret "ca.pem"', "`vsync list` shows the names"],
  [["--only=X_ONE", "--except=X_TWO"], "--only cannot be used together with --except", "see vsync run --help"],
])("vsync run %j does not start the program", async (flags, error, hint) => {
  const ran = await home.run(["run", "prod", ...flags, "--", "echo", "started"]);
  const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
  expect(ran).toEqual({ stdout: "", stderr, exitCode: 1 });
});
