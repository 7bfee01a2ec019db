import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bucketVault } from "../runtime/bucket-fixture.ts";
import { directoryVault, environmentOf, ITEMS } from "../runtime/fixture.ts";
import { type RuntimeName, runtimePath } from "../support/runtimes.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { appOf, FETCH_LIMIT_MS, runIn } from "./app.ts";
import { installedPackage } from "./installed.ts";

const APP = {
  "app.mjs": `
    import { Vsync, VsyncError, WrongPassphraseError } from "vsync";
    const main = async () => {
      const v = await Vsync.open();
      const wrong = await Vsync.open({ passphrase: "wrong" }).catch((error) => error);
      const isOurs = wrong instanceof WrongPassphraseError && wrong instanceof VsyncError;
      console.log(JSON.stringify([v.require("API_KEY"), v, isOurs, wrong.name, wrong.code]));
      await v.close();
    };
    main().catch((error) => {
      console.log(JSON.stringify([error.code, error.message, error.hint]));
      process.exitCode = 1;
    });
  `,
  "bundle.mjs": `
    import { build } from "esbuild";
    const [format, outfile, ...external] = process.argv.slice(2);
    const options = { bundle: true, platform: "node", target: "node22", minify: true, external, metafile: true };
    const { warnings, metafile } = await build({ ...options, entryPoints: ["app.mjs"], format, outfile });
    console.log(JSON.stringify({ warnings, inputs: Object.keys(metafile.inputs) }));
  `,
};
const BOOTED = [ITEMS[1].data, "[vsync gen=1 env=prod]", true, "WrongPassphraseError", "WRONG_PASSPHRASE"];

interface Bundle {
  /** A folder without the packages in the bundle. */
  readonly folder: string;
  readonly file: string;
  readonly inputs: readonly string[];
}

/** The app as one minified file. */
async function bundle(format: "esm" | "cjs", external: readonly string[]): Promise<Bundle> {
  const folder = await appOf(APP, ["esbuild"]);
  const file = format === "esm" ? "out.mjs" : "out.cjs";
  const command = [process.execPath, "bundle.mjs", format, file, ...external];
  const { stdout, stderr, status } = await runIn(folder, { PATH: process.env["PATH"] ?? "" }, command);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  const { warnings, inputs } = JSON.parse(stdout) as { warnings: unknown[]; inputs: string[] };
  expect(warnings).toEqual([]);
  await rm(join(folder, "node_modules"), { recursive: true });
  return { folder, file, inputs };
}

async function boot({ folder, file }: Bundle, env: Record<string, string>, runtime: RuntimeName = "node24") {
  const ended = await runIn(folder, env, [await runtimePath(runtime), file]);
  expect(ended.stderr).toBe("");
  return { printed: JSON.parse(ended.stdout) as unknown, status: ended.status };
}

beforeAll(async () => void (await installedPackage()), FETCH_LIMIT_MS);

describe.each(["esm", "cjs"] as const)("a minified bundle, %s", { timeout: FETCH_LIMIT_MS }, (format) => {
  test("boots without argon2, with the key derivation of Node.js", async () => {
    const made = await bundle(format, ["argon2"]);
    expect(await boot(made, environmentOf(await directoryVault()))).toEqual({ printed: BOOTED, status: 0 });
  });

  test("boots with argon2 bundled, although argon2 cannot find its addon there", async () => {
    const made = await bundle(format, []);
    expect(made.inputs.some((path) => path.endsWith("/argon2/argon2.cjs"))).toBe(true);
    expect(await boot(made, environmentOf(await directoryVault()))).toEqual({ printed: BOOTED, status: 0 });
  });

  test("boots from a bucket with the AWS SDK bundled", async () => {
    const [made, vault] = await Promise.all([bundle(format, ["argon2"]), bucketVault()]);
    const env = { VSYNC_CONFIG: vault.configWith({}), VSYNC_PASSPHRASE: PASSPHRASE };
    expect(await boot(made, env)).toEqual({ printed: BOOTED, status: 0 });
  });

  test("under a Node.js without Argon2id, boots if argon2 is installed and otherwise says what is missing", async () => {
    const [made, vault] = await Promise.all([bundle(format, ["argon2"]), directoryVault()]);
    const { printed, status } = await boot(made, environmentOf(vault), "node22");
    expect({ printed, status }).toEqual({
      printed: ["INPUT", expect.stringContaining("argon2"), expect.stringContaining("install argon2 with the app")],
      status: 1,
    });
    const modules = join(await installedPackage(), "node_modules/vsync/node_modules");
    const beside = {
      ...made,
      folder: await appOf({ [made.file]: await readFile(join(made.folder, made.file), "utf8") }),
    };
    await runIn(beside.folder, {}, ["/bin/ln", "-s", join(modules, "argon2"), "node_modules/argon2"]);
    expect(await boot(beside, environmentOf(vault), "node22")).toEqual({ printed: BOOTED, status: 0 });
  });

  test("comes from the library's bundles, which contain no code of the command line", async () => {
    const { inputs } = await bundle(format, ["argon2"]);
    expect(inputs.filter((path) => !/^app\.mjs$|vsync\/dist\/library\//.test(path))).toEqual([]);
    const licences = await readFile(
      join(await installedPackage(), "node_modules/vsync/dist/library/LICENSES.txt"),
      "utf8",
    );
    expect(licences).toMatch(/^valibot \d/m);
    expect(licences).not.toMatch(/^(@oclif\/|@inquirer\/|pino|dotenv)/m);
  });
});
