import { chmod, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { configure, ITEMS, openMachine, tokenIn } from "../support/program/s3-machine.ts";
import { programUnderTest, type Sandbox, type Transcript } from "../support/program/sandbox.ts";
import { createVault } from "../support/vault-fixture.ts";

/** Root may read everything; without its capabilities it is a user like any other. */
const UNPRIVILEGED = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];

let sandbox: Sandbox;
let manifest: string;
beforeEach(async () => {
  sandbox = await openMachine([...UNPRIVILEGED, ...programUnderTest()]);
  const folder = join(sandbox.home, "store");
  const location = { endpoint: fileEndpoint(folder), region: "local", bucket: "vaults", prefix: "api/prod/" };
  await createDirectoryRoot(location);
  const { vault } = await createVault(openDirectoryStore(location), { items: ITEMS });
  const nobody = { accessKeyId: "", secretAccessKey: "" };
  await configure(sandbox, { ...location, ...nobody }, { vault, credentials: "ambient", seenGen: 1 });
  manifest = join(folder, "vaults", "api", "prod", "manifest");
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const mint = async (...args: readonly string[]): Promise<Transcript> =>
  sandbox.tidy(await sandbox.run(["runtime-token", "--env=prod", ...args]));

describe("a vault in a directory", () => {
  test("that can be read: emitted, 0", async () => {
    const transcript = await mint();
    expect(transcript.stderr).toBe("");
    const { endpoint, region, credentials, accessKeyId, prefix } = tokenIn(transcript);
    expect({ region, credentials, accessKeyId, prefix }).toEqual({
      region: "local",
      credentials: "ambient",
      accessKeyId: undefined,
      prefix: "api/prod/",
    });
    expect(endpoint).toBe(fileEndpoint(join(sandbox.home, "store")));
  });

  test("that has no manifest: a warning, emitted all the same, 0", async () => {
    const transcript = await mint("--prefix=api/none/");
    expect(transcript.stderr).toBe(
      "vsync: warning: there is no api/none/manifest in vaults yet: run vsync push prod before booting apps\n",
    );
    expect(tokenIn(transcript)).toMatchObject({ prefix: "api/none/" });
  });

  test("that may not be read: 2", async () => {
    await chmod(manifest, 0);
    expect(await mint()).toEqual({
      stdout: "",
      stderr: `vsync: error: cannot read <home>/store/vaults/api/prod/manifest: permission denied (EACCES)
vsync: hint: check who owns the folder, its mode, and how it is mounted
`,
      exitCode: 2,
    });
  });

  test("that is not there, as on a disk that is not mounted: 3", async () => {
    await rename(join(sandbox.home, "store"), join(sandbox.home, "away"));
    expect(await mint()).toEqual({
      stdout: "",
      stderr: `vsync: error: the store's folder <home>/store/vaults is not there
vsync: hint: mount the disk that holds it, or make a new store with vsync init
`,
      exitCode: 3,
    });
    expect(tokenIn(await mint("--no-validate"))).toMatchObject({ credentials: "ambient" });
  });
});

test("a config of a directory has no credentials for a bucket: 1, or those that are given", async () => {
  const flags = ["--endpoint=https://s3.example.com", "--region=eu-west-1", "--no-validate"];
  expect(await mint(...flags)).toMatchObject({ stdout: "", exitCode: 1 });
  const secret = await sandbox.write("work/secret", "a-secret");
  const transcript = await mint(...flags, "--access-key=K", `--secret-key-file=${secret}`);
  expect(tokenIn(transcript)).toMatchObject({ accessKeyId: "K", secretAccessKey: "a-secret", region: "eu-west-1" });
});

test("a config of a bucket needs none for a directory", async () => {
  const key = { accessKeyId: "K", secretAccessKey: "S" };
  const place = { endpoint: "https://s3.example.com", region: "eu-west-1", bucket: "vaults", ...key };
  const { endpoint } = tokenIn(await mint());
  await configure(sandbox, place, { vault: "AAECAwQFBgcICQoLDA0ODw" });
  const token = tokenIn(await mint(`--endpoint=${endpoint}`));
  expect(token).toMatchObject({ endpoint, region: "local", credentials: "ambient" });
  expect(token).not.toHaveProperty("secretAccessKey");
});
