/** @module-tag process */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryVault, environmentOf, ITEMS } from "./fixture.ts";
import { INDEX, runModule } from "./program.ts";

/** Prints the addresses of all modules loaded by the end of the program. */
const LIST_MODULES = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on("exit", () => process.stdout.write(loaded.join("\\n")));
`;

const NOT_FOR_A_DIRECTORY = /@aws-sdk|@smithy|@oclif|@inquirer|\/pino|\/dotenv|\/src\/(s3|cli|commands)\//;

describe("in a separate program", () => {
  test("a vault in a directory loads no code for buckets or the command line", async () => {
    const text = `${LIST_MODULES}
      const { Vsync } = await import(${INDEX});
      await Vsync.open();
    `;
    const { stdout, stderr, status } = await runModule(text, environmentOf(await directoryVault()));
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const loaded = stdout.split("\n");
    expect(loaded.filter((url) => NOT_FOR_A_DIRECTORY.test(url))).toEqual([]);
    expect(loaded.some((url) => url.endsWith("/src/directory/directory-store.ts"))).toBe(true);
  });

  test("the import alone loads neither a store nor the addon for key derivation", async () => {
    const { stdout, status } = await runModule(`${LIST_MODULES} await import(${INDEX});`, {});
    expect(status).toBe(0);
    expect(stdout.split("\n").filter((url) => /\/src\/(s3|directory)\/|\/argon2\/|@aws-sdk/.test(url))).toEqual([]);
  });

  test.each([
    ["opened and left open", "await Vsync.open();"],
    [
      "opened with a signal and a long deadline",
      "await Vsync.open({ signal: new AbortController().signal, timeoutMs: 2 ** 31 - 1 });",
    ],
    ["opened with a file on disk", "await (await Vsync.open()).path('API_KEY');"],
    ["not opened", "await Vsync.open({ passphrase: 'wrong', timeoutMs: 2 ** 31 - 1 }).catch(() => {});"],
    ["aborted", "await Vsync.open({ timeoutMs: 1 }).catch(() => {});"],
  ])("a vault that is %s keeps no process alive", async (_, use) => {
    const text = `import { Vsync } from ${INDEX}; ${use} process.stdout.write("end of the program");`;
    const ended = await runModule(text, environmentOf(await directoryVault()));
    expect(ended).toEqual({ stdout: "end of the program", stderr: "", status: 0 });
  });

  test("an uncaught error shows code and hint, and no secret", async () => {
    const env = { ...environmentOf(await directoryVault()), VSYNC_PASSPHRASE: "planted-passphrase" };
    const { stderr, status } = await runModule(`import { Vsync } from ${INDEX}; await Vsync.open();`, env);
    expect(status).toBe(1);
    expect(stderr).toMatch(/WrongPassphraseError: wrong passphrase for [^]*hint: '[^]*code: 'WRONG_PASSPHRASE'/);
    expect(stderr).not.toContain("planted-passphrase");
  });
});

describe("in a worker thread", () => {
  const worker = (body: string) => `
    import { Worker } from "node:worker_threads";
    const worker = new Worker(${JSON.stringify(body)}, { eval: true });
    worker.on("message", (message) => process.stdout.write(message));
    worker.on("error", (error) => process.stderr.write(String(error)));
  `;
  // The worker inherits the flag that makes its text a module.
  const opened = `
    import { parentPort } from "node:worker_threads";
    import { Vsync } from ${INDEX};
    const v = await Vsync.open();
  `;

  test("it opens", async () => {
    const text = worker(`${opened} parentPort.postMessage(v.get("API_KEY"));`);
    const ended = await runModule(text, environmentOf(await directoryVault()));
    expect(ended).toEqual({ stdout: ITEMS[1].data, stderr: "", status: 0 });
  });

  test("its files go when the thread ends", async () => {
    const text = worker(`${opened} parentPort.postMessage(await v.path("API_KEY"));`);
    const { stdout, stderr } = await runModule(text, environmentOf(await directoryVault()));
    expect(stderr).toBe("");
    expect(stdout).toMatch(/API_KEY$/);
    expect(existsSync(dirname(dirname(stdout)))).toBe(false);
  });
});
