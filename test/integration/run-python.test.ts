import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.log("no python3 on this machine: no Python program was booted through vsync run");

const APP = `
import json, os, signal, sys, time

if "VSYNC_PASSPHRASE" in os.environ or "VSYNC_CONFIG" in os.environ:
    sys.exit("what opens the vault was handed on")

def stop(number, frame):
    # Not print: the signal may come within the other one.
    os.write(1, b"stopping on " + signal.Signals(number).name.encode() + b"\\n")
    sys.exit(42)

signal.signal(signal.SIGTERM, stop)
print("serving", json.dumps(os.environ["DATABASE_URL"]), flush=True)
if sys.argv[1:] == ["--once"]:
    sys.exit(int(os.environ["EXIT_CODE"]))
while True:
    time.sleep(0.05)
`;
const URL_VALUE = "postgres://app:p'\"$w@db/app?x=ü";

describe.runIf(hasPython)("a Python program boots through vsync run", () => {
  let home: VaultHome;
  let env: Record<string, string>;
  /** A server that has the two variables, and no config. */
  beforeAll(async () => {
    home = await openVaultHome();
    await home.sandbox.write("work/app.py", APP);
    await home.run(["set", "prod", "DATABASE_URL", "--from-file=-"], { stdin: URL_VALUE });
    await home.run(["set", "prod", "EXIT_CODE", "--from-file=-"], { stdin: "0042" });
    env = { ...home.env, VSYNC_CONFIG: await home.token(), HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };
  });
  afterAll(() => home[Symbol.asyncDispose]());

  test("with its secrets, and its exit code comes back", async () => {
    const ran = await home.run(["run", "--", "python3", "app.py", "--once"], { env });
    expect(ran).toEqual({ stdout: `serving ${pythonJson(URL_VALUE)}\n`, stderr: "", exitCode: 42 });
  });

  test.each([[[]], [["--redact"]]])("SIGTERM reaches it, and its answer comes back, %j", async (flags) => {
    const [command = "", ...first] = programUnderTest();
    const child = spawn(command, [...first, "run", ...flags, "--", "python3", "app.py"], {
      env: { ...env, PATH: `${join(process.execPath, "..")}:/usr/local/bin:/usr/bin:/bin` },
      cwd: home.sandbox.work,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (stdout === "") child.kill("SIGTERM");
      stdout += chunk.toString();
    });
    expect(await once(child, "close")).toEqual([42, null]);
    expect(stdout).toMatch(/^serving ".*"\nstopping on SIGTERM\n$/);
  });

  test("it is not started where the vault does not open", async () => {
    const wrong = { ...env, VSYNC_PASSPHRASE: "not the passphrase" };
    expect(await home.run(["run", "--", "python3", "app.py", "--once"], { env: wrong })).toMatchObject({
      stdout: "",
      exitCode: 1,
    });
  });
});

/** As `json.dumps` writes it: ASCII alone. */
function pythonJson(text: string): string {
  return JSON.stringify(text).replaceAll("ü", "\\u00fc");
}
