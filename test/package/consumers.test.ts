import { beforeAll, describe, expect, test } from "vitest";
import { bucketVault } from "../runtime/bucket-fixture.ts";
import { directoryVault, environmentOf, ITEMS } from "../runtime/fixture.ts";
import { RUNTIMES, runtimePath } from "../support/runtimes.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { appOf, FETCH_LIMIT_MS, runIn, startIn } from "./app.ts";
import { installedPackage } from "./installed.ts";

const USE = `
  const { existsSync, statSync } = require("node:fs");
  async function main(Vsync, errors) {
    const v = await Vsync.open({ defaults: { PORT: "8080" } });
    const path = await v.path("certs/sa.json");
    const mode = (statSync(path).mode & 0o777).toString(8);
    const seen = [v.require("API_KEY"), v.get("PORT"), v.source("PORT"), [...v.bytes("certs/sa.json")], mode, String(v)];
    await v.close();
    const wrong = await Vsync.open({ passphrase: "wrong" }).catch((error) => error);
    const classes = [wrong instanceof errors.WrongPassphraseError, wrong instanceof errors.VsyncError, wrong.code];
    console.log(JSON.stringify({ seen, gone: !existsSync(path), classes }));
  }
`;
const EXPECTED = {
  seen: [ITEMS[1].data, "8080", "default", [...ITEMS[4].data], "600", "[vsync gen=1 env=prod]"],
  gone: true,
  classes: [true, true, "WRONG_PASSPHRASE"],
};

const LABEL = "[vsync gen=1 env=prod]\n";

const FILES = {
  "esm.mjs": `
    import { createRequire } from "node:module";
    import * as vsync from "vsync";
    const require = createRequire(import.meta.url);
    ${USE}
    await main(vsync.Vsync, vsync);
  `,
  "common.cjs": `
    const vsync = require("vsync");
    ${USE}
    main(vsync.Vsync, vsync);
  `,
  "both.cjs": `
    const required = require("vsync");
    import("vsync").then((imported) => console.log(required.Vsync === imported.Vsync));
  `,
  "worker.mjs": `
    import { isMainThread, parentPort, Worker } from "node:worker_threads";
    import { Vsync } from "vsync";
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url));
      worker.once("message", (text) => console.log(text));
    } else {
      const v = await Vsync.open();
      parentPort.postMessage(JSON.stringify([v.require("API_KEY"), v]));
      await v[Symbol.asyncDispose]();
    }
  `,
  "opens.mjs": `
    import { Vsync } from "vsync";
    console.log(String(await Vsync.open()));
  `,
  "reads-environment.cjs": "console.log(process.env.API_KEY);",
};

beforeAll(async () => void (await installedPackage()), FETCH_LIMIT_MS);

describe.each(RUNTIMES)("under %s, installed by npm", { timeout: FETCH_LIMIT_MS }, (runtime) => {
  // Throws if this machine lacks that runtime.
  const start = async (args: readonly string[]) => {
    const [program, app, vault] = await Promise.all([runtimePath(runtime), appOf(FILES), directoryVault()]);
    return runIn(app, environmentOf(vault), [program, ...args]);
  };

  test.each(["esm.mjs", "common.cjs"])("an app boots from its vault: %s", async (file) => {
    const { stdout, stderr, status } = await start([file]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
  });

  test("an app boots from a bucket, with two requests", async () => {
    const [program, app, vault] = await Promise.all([runtimePath(runtime), appOf(FILES), bucketVault()]);
    const env = { VSYNC_CONFIG: vault.configWith({}), VSYNC_PASSPHRASE: PASSPHRASE };
    expect(await runIn(app, env, [program, "opens.mjs"])).toEqual({ stdout: LABEL, stderr: "", status: 0 });
    expect(vault.server.log.map(({ method, status }) => [method, status])).toEqual([
      ["GET", 200],
      ["GET", 200],
    ]);
  });

  test("require and import load the same module", async () => {
    expect(await start(["both.cjs"])).toEqual({ stdout: "true\n", stderr: "", status: 0 });
  });

  test("a worker thread opens a vault, and the handle prints as its name there", async () => {
    const { stdout, stderr, status } = await start(["worker.mjs"]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(JSON.parse(stdout)).toEqual([ITEMS[1].data, "[vsync gen=1 env=prod]"]);
  });

  test("a CommonJS app without vsync code finds its environment filled", async () => {
    const flag = runtime === "bun" ? "--preload" : "--import";
    const ended = await start([flag, "vsync/register", "reads-environment.cjs"]);
    expect(ended).toEqual({ stdout: `${ITEMS[1].data}\n`, stderr: "", status: 0 });
  });
});

describe("preloaded in other ways", () => {
  test("NODE_OPTIONS preloads it", async () => {
    const [app, vault] = await Promise.all([appOf(FILES), directoryVault()]);
    const env = { ...environmentOf(vault), NODE_OPTIONS: "--import=vsync/register" };
    const ended = await runIn(app, env, [process.execPath, "reads-environment.cjs"]);
    expect(ended).toEqual({ stdout: `${ITEMS[1].data}\n`, stderr: "", status: 0 });
  });

  test("--require names --import, and the app does not start", async () => {
    const [app, vault] = await Promise.all([appOf(FILES), directoryVault()]);
    const command = [process.execPath, "--require", "vsync/register", "reads-environment.cjs"];
    const stderr = expect.stringMatching(/cannot be required.*\nvsync: hint: .*--import vsync\/register/);
    expect(await runIn(app, environmentOf(vault), command)).toEqual({ stdout: "", stderr, status: 1 });
  });
});

describe("an Express app", () => {
  const APP = {
    "package.json": JSON.stringify({ name: "shop", type: "module" }),
    "server.js": `
      import { once } from "node:events";
      import express from "express";
      import { Vsync } from "vsync";

      const vault = await Vsync.open({ defaults: { GREETING: "hello" } });
      const keys = new Map([[vault.require("API_KEY"), "the shop's own client"]]);

      const app = express();
      app.use((request, response, next) => {
        response.locals.client = keys.get(request.get("x-api-key"));
        next(response.locals.client ? undefined : Object.assign(new Error("no key of ours"), { status: 401 }));
      });
      app.get("/", (request, response) => void response.json([vault.get("GREETING"), response.locals.client, vault]));

      const server = app.listen(0, "127.0.0.1");
      await once(server, "listening");
      process.once("SIGTERM", () => server.close(() => vault.close().then(() => console.log("closed"))));
      console.log(server.address().port);
    `,
  };

  test("boots, answers with a secret, and ends on SIGTERM", { timeout: FETCH_LIMIT_MS }, async () => {
    const [app, vault] = await Promise.all([appOf(APP, ["express"]), directoryVault()]);
    const env = { ...environmentOf(vault), NODE_ENV: "production" };
    const { line, ended, kill } = startIn(app, env, [process.execPath, "server.js"]);
    const address = `http://127.0.0.1:${await line}/`;
    const headers = { connection: "close", "x-api-key": ITEMS[1].data };
    const answer = await fetch(address, { headers });
    expect(await answer.json()).toEqual(["hello", "the shop's own client", "[vsync gen=1 env=prod]"]);
    expect((await fetch(address, { headers: { ...headers, "x-api-key": "guessed" } })).status).toBe(401);
    kill("SIGTERM");
    const { stdout, stderr, status } = await ended;
    expect({ closed: stdout.endsWith("\nclosed\n"), status }).toEqual({ closed: true, status: 0 });
    expect(stdout + stderr).not.toContain(ITEMS[1].data);
  });
});
