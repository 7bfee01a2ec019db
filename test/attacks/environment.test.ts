import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOn, type StrictS3, startStrictS3 } from "../support/program/machine.ts";

/*
 * Variables and files that other programs leave behind, or that somebody plants in the folder where vsync is started. The
 * variables of Node.js and the system (NODE_OPTIONS, LD_PRELOAD, PATH) are out of scope: see docs/security.md.
 */

let server: StrictS3;
let machine: Machine;
/** Accepts every request; the program must send none. */
let elsewhere: Server;
let lured = 0;
let trap: string;
beforeAll(async () => {
  server = await startStrictS3();
  machine = await machineOn(server);
  elsewhere = createServer((_request, response) => {
    lured++;
    response.end();
  }).listen(0, "127.0.0.1");
  elsewhere.on("connect", () => lured++);
  await once(elsewhere, "listening");
  trap = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
});
beforeEach(() => {
  lured = 0;
});
afterAll(async () => {
  elsewhere.close();
  await machine[Symbol.asyncDispose]();
  await server.close();
});

describe("other programs' variables have no effect", () => {
  const lures: Readonly<Record<string, () => Record<string, string>>> = {
    "the AWS tools' endpoints": () => ({ AWS_ENDPOINT_URL: trap, AWS_ENDPOINT_URL_S3: trap }),
    "the AWS tools' credentials": () => ({
      AWS_ACCESS_KEY_ID: "OTHER",
      AWS_SECRET_ACCESS_KEY: "other",
      AWS_SESSION_TOKEN: "other",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${trap}/credentials`,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: trap,
    }),
    "the AWS tools' settings": () => ({
      AWS_REGION: "elsewhere-1",
      AWS_PROFILE: "other",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_USE_DUALSTACK_ENDPOINT: "true",
      AWS_S3_US_EAST_1_REGIONAL_ENDPOINT: "regional",
    }),
    // HTTP_PROXY would have one: see test/integration/store-matrix.test.ts.
    "proxies of other schemes": () => ({ HTTPS_PROXY: trap, https_proxy: trap, ALL_PROXY: trap, all_proxy: trap }),
    "another program's dotenv": () => ({ DOTENV_PATH: "/dev/zero", DOTENV_CONFIG_PATH: "/dev/zero", DOTENV_KEY: "x" }),
    "a relative home for configs": () => ({ XDG_CONFIG_HOME: "../elsewhere" }),
  };

  test.each(Object.entries(lures))("%s", async (name, lure) => {
    const { exitCode, stdout, stderr } = await machine.run(["get", "prod", "DATABASE_URL"], { env: lure() });
    // Ignored, as its specification asks: vsync finds the config in the home.
    expect(name).not.toBe("");
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "postgres://planted-secret-value\n",
      stderr: "",
    });
    expect(lured).toBe(0);
  });

  test("an AWS profile that names another endpoint and a program to run", async () => {
    const folder = join(machine.sandbox.home, ".aws");
    const program = await machine.sandbox.write("home/steal", `#!/bin/sh\ntouch ${machine.sandbox.work}/stolen\n`);
    await chmod(program, 0o700);
    const config = `[default]\nendpoint_url = ${trap}\nregion = x\ncredential_process = ${program}\n`;
    await machine.sandbox.write("home/.aws/config", config);
    const env = { AWS_CONFIG_FILE: join(folder, "config"), AWS_SDK_LOAD_CONFIG: "1" };
    const before = Object.keys(await machine.sandbox.snapshot());
    expect(await machine.run(["get", "prod", "DATABASE_URL"], { env })).toMatchObject({ exitCode: 0 });
    expect(Object.keys(await machine.sandbox.snapshot())).toEqual(before);
    expect(lured).toBe(0);
  });

  test("files of other programs in the current folder", async () => {
    for (const [name, text] of Object.entries({
      ".env": `VSYNC_PASSPHRASE=other\nAWS_ENDPOINT_URL=${trap}\n`,
      ".env.prod": "VSYNC_REPO=other\n",
      "bunfig.toml": 'preload = ["./evil.js"]\n',
      ".npmrc": "node-options=--require=./evil.js\n",
      "evil.js": "process.exit(99);\n",
      ".noderc": "--require=./evil.js\n",
      "node.config.json": '{"nodeOptions":{"import":["./evil.js"]}}\n',
      "dotenv.config.js": "process.exit(99);\n",
      "package.json": '{"name":"api","oclif":{"plugins":["./evil.js"],"hooks":{"init":"./evil.js"}},"type":"module"}',
      "node_modules/argon2/index.js": "process.exit(99);\n",
      "node_modules/argon2/package.json": '{"main":"index.js"}',
    })) {
      await machine.sandbox.write(`work/${name}`, text);
    }
    expect(await machine.run(["get", "prod", "DATABASE_URL"])).toMatchObject({
      exitCode: 0,
      stdout: "postgres://planted-secret-value\n",
    });
    expect(lured).toBe(0);
  });

  test.each([
    "../api",
    "/etc",
    "a/../../b",
    "a\0b".replace("\0", "%00"),
    "..",
    ".",
    "con/../..",
    "a\\..\\b",
    "\u2025",
    "-api",
  ])("a repo called %j does not lead out of its folder", async (repo) => {
    const before = await machine.sandbox.snapshot();
    const { exitCode, stdout } = await machine.run(["list", "prod"], { env: { VSYNC_REPO: repo } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(await machine.sandbox.snapshot()).toEqual(before);
  });
});
