/** @module-tag process */
import { describe, expect, test } from "vitest";
import { directoryVault, environmentOf, ITEMS } from "./fixture.ts";
import { type Ended, REGISTER, REGISTER_REQUIRED, runModule } from "./program.ts";

const PRINT = "process.stdout.write(JSON.stringify(process.env));";

function runRegistered(text: string, env: Record<string, string>): Promise<Ended> {
  return runModule(text, env, ["--import", REGISTER]);
}

describe("node --import vsync/register", () => {
  test("fills process.env before the app starts, with secrets and no files", async () => {
    const env = environmentOf(await directoryVault());
    const { stdout, stderr, status } = await runRegistered(PRINT, env);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const secrets = ITEMS.slice(0, 4).map(({ name, data }) => [name, data]);
    expect(JSON.parse(stdout)).toEqual({ ...env, ...Object.fromEntries(secrets) });
  });

  test("with a scoped token fills in what it may read, and loads no Argon2id", async () => {
    const vault = await directoryVault();
    const grants = [{ scopes: { secrets: { read: { filters: { name: "API_KEY" } } } } }];
    const env = { VSYNC_CONFIG: (await vault.token({ grants })).config };
    const loaded =
      "process.report.excludeNetwork = true; process.stdout.write(process.report.getReport().sharedObjects.join());";
    expect(JSON.parse((await runRegistered(PRINT, env)).stdout)).toEqual({ ...env, API_KEY: ITEMS[1].data });
    expect((await runRegistered(loaded, env)).stdout).not.toContain("argon2");
    expect((await runRegistered(loaded, environmentOf(vault))).stdout).toContain("argon2");
  });

  test("keeps existing variables, even empty ones", async () => {
    const env = { ...environmentOf(await directoryVault()), API_KEY: "of the shell", DATABASE_URL: "" };
    const { stdout } = await runRegistered(PRINT, env);
    expect(JSON.parse(stdout)).toMatchObject({ API_KEY: "of the shell", DATABASE_URL: "", UMLAUT: ITEMS[3].data });
  });

  test.each([
    [
      "no variables",
      {},
      /^vsync: error: neither VSYNC_CONFIG nor VSYNC_CONFIG_FILE is set\nvsync: hint: set VSYNC_CONFIG .*\n$/,
    ],
    ["a wrong passphrase", { VSYNC_PASSPHRASE: "wrong" }, /^vsync: error: wrong passphrase for .*\nvsync: hint: .*\n$/],
  ])("does not start the app with %s: two lines, no stack", async (_, wrong, stderr) => {
    const env = Object.keys(wrong).length === 0 ? {} : { ...environmentOf(await directoryVault()), ...wrong };
    const ended = await runRegistered(PRINT, env);
    expect(ended).toEqual({ stdout: "", stderr: expect.stringMatching(stderr), status: 1 });
  });

  test("warns about a name that no variable can have", async () => {
    const vault = await directoryVault({
      items: [
        { name: "a=b", data: "x" },
        { name: "GOOD", data: "y" },
      ],
    });
    const { stdout, stderr } = await runRegistered(PRINT, environmentOf(vault));
    expect(stderr).toMatch(/\[VSYNC_NAME_SKIPPED\] VsyncWarning: "a=b" of the vault cannot be the name/);
    expect(JSON.parse(stdout)).toMatchObject({ GOOD: "y" });
    expect(stdout).not.toContain("a=b");
  });

  test("does not start the app if the operating system would cut a value", async () => {
    const vault = await directoryVault({ items: [{ name: "CUT", data: "be\0hind" }] });
    const ended = await runRegistered(PRINT, environmentOf(vault));
    expect(ended).toMatchObject({
      stdout: "",
      status: 1,
      stderr: expect.stringContaining("CUT contains a NUL character"),
    });
  });

  test("opens once, and a worker thread has its parent's variables", async () => {
    const body = `import { parentPort } from "node:worker_threads"; parentPort.postMessage(process.env.API_KEY)`;
    const text = `
      import { Worker } from "node:worker_threads";
      process.env.VSYNC_PASSPHRASE = "would not open again";
      new Worker(${JSON.stringify(body)}, { eval: true }).on("message", (value) => process.stdout.write(value));
    `;
    const ended = await runRegistered(text, environmentOf(await directoryVault()));
    expect(ended).toEqual({ stdout: ITEMS[1].data, stderr: "", status: 0 });
  });
});

describe("node --require vsync/register", () => {
  test("names --import, and does not start the app", async () => {
    const ended = await runModule(PRINT, environmentOf(await directoryVault()), ["--require", REGISTER_REQUIRED]);
    const stderr = expect.stringMatching(/^vsync: error: .*cannot be required.*\nvsync: hint: .*node --import.*\n$/);
    expect(ended).toEqual({ stdout: "", stderr, status: 1 });
  });
});
