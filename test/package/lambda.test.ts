import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { type BucketVault, bucketVault } from "../runtime/bucket-fixture.ts";
import { ITEMS } from "../runtime/fixture.ts";
import { ROOT } from "../support/strict-s3/server.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { FETCH_LIMIT_MS } from "./app.ts";
import { containerObstacle, emptyTmp } from "./container.ts";
import { installedPackage } from "./installed.ts";
import { Lambda } from "./lambda.ts";

const obstacle = containerObstacle();
if (obstacle !== null) process.stderr.write(`tests of a function's cold start are skipped: ${obstacle}\n`);

const HANDLER = `
  const { writeFileSync } = require("node:fs");
  const refusal = (path) => {
    try {
      writeFileSync(path, "");
      return null;
    } catch (error) {
      return error.code;
    }
  };
  let invocations = 0;
  const answer = async (vault, { name }) => ({
    value: vault.require(name),
    vault,
    ageMs: vault.ageMs,
    path: await vault.path("certs/sa.json"),
    invocations: ++invocations,
    traced: process.env._X_AMZN_TRACE_ID !== undefined,
    taskRoot: refusal("/var/task/written"),
  });
`;
const ESM = `
  import { createRequire } from "node:module";
  import { Vsync } from "vsync";
  const require = createRequire(import.meta.url);
  ${HANDLER}
  const vault = await Vsync.open();
  export const handler = (event) => answer(vault, event);
`;
const COMMON = `
  const { Vsync } = require("vsync");
  ${HANDLER}
  const opening = Vsync.open();
  exports.handler = async (event) => answer(await opening, event);
`;
const CACHED = ESM.replace("Vsync.open()", 'Vsync.open({ cache: "/tmp/vault.cache", maxAge: 3600_000 })');

/** Like a function: the token has no key, and the platform provides the role's key in variables. */
function environmentOf(vault: BucketVault): Record<string, string> {
  const noKeys = { accessKeyId: undefined, secretAccessKey: undefined } as unknown as Partial<RuntimeToken>;
  return {
    VSYNC_CONFIG: vault.configWith({ ...noKeys, credentials: "ambient" }),
    VSYNC_PASSPHRASE: PASSPHRASE,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
  };
}

const EVENT = { name: "API_KEY" };

beforeAll(async () => void (obstacle === null && (await installedPackage())), FETCH_LIMIT_MS);

describe.runIf(obstacle === null)("a function", () => {
  test.each([
    ["an ES module that waits at its top level", { "index.mjs": ESM }],
    ["a CommonJS module that keeps the promise", { "index.cjs": COMMON }],
  ])("%s opens once, at its cold start, and is frozen between its invocations", async (_, files) => {
    const vault = await bucketVault();
    const [lambda, tmp] = [new Lambda(), await emptyTmp()];
    await lambda.start({ files, env: environmentOf(vault), tmp });
    const answers = [await lambda.invoke(EVENT), await lambda.invoke(EVENT), await lambda.invoke(EVENT)];
    const path = expect.stringMatching(/^\/tmp\/vsync\..*\/sa\.json$/);
    const seen = {
      value: ITEMS[1].data,
      vault: "[vsync gen=1 env=prod]",
      ageMs: 0,
      path,
      traced: true,
      taskRoot: "EROFS",
    };
    expect(answers).toEqual([1, 2, 3].map((invocations) => ({ ...seen, invocations })));
    expect(new Set(answers.map((answer) => (answer as { path: string }).path)).size).toBe(1);
    expect(vault.server.log.map(({ method }) => method)).toEqual(["GET", "GET"]);
    expect(await lambda.stop()).toBe("");
  });

  test("starts from the sealed copy in /tmp while the bucket is down, and says so", async () => {
    const vault = await bucketVault();
    const [first, second, tmp] = [new Lambda(), new Lambda(), await emptyTmp()];
    const options = { files: { "index.mjs": CACHED }, env: environmentOf(vault), tmp };
    await first.start(options);
    expect(await first.invoke(EVENT)).toMatchObject({ value: ITEMS[1].data, ageMs: 0 });
    expect(await first.stop()).toBe("");
    expect((await stat(join(tmp, "vault.cache"))).mode & 0o777).toBe(0o600);
    const kept = await Promise.all(
      (await readdir(tmp)).filter((name) => name.endsWith(".cache")).map((name) => readFile(join(tmp, name), "latin1")),
    );
    for (const planted of [ITEMS[1].data, "API_KEY", PASSPHRASE]) expect(kept.join("")).not.toContain(planted);
    await vault.server.close();
    await second.start(options);
    const answer = await second.invoke(EVENT);
    expect(answer).toMatchObject({ value: ITEMS[1].data, invocations: 1 });
    expect((answer as { ageMs: number }).ageMs).toBeGreaterThan(0);
    expect(await second.stop()).toMatch(
      /VSYNC_STALE_VAULT.*opened generation 1 from the cache \/tmp\/vault\.cache, \d+ s old/,
    );
  });

  test("without its role, says in the log of its cold start what to do", async () => {
    const vault = await bucketVault();
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...env } = environmentOf(vault);
    const lambda = new Lambda();
    await lambda.start({
      files: { "index.mjs": ESM },
      env: { ...env, AWS_EC2_METADATA_DISABLED: "true" },
      tmp: await emptyTmp(),
    });
    await expect(lambda.invoke(EVENT)).rejects.toThrow(
      /AccessDeniedError: .*no ambient credentials[^]*hint: 'set AWS_ACCESS_KEY_ID/,
    );
  });
});
