import { expect, test } from "vitest";
import { openSandbox } from "../support/program/sandbox.ts";
import { binary } from "./built.ts";

const PROGRAM = 'require("node:fs").writeFileSync("was-run", "");';

test("the program neither runs nor reads the config files of the current folder", async () => {
  await using sandbox = await openSandbox([binary()]);
  await sandbox.write("work/bunfig.toml", 'preload = ["./planted.js"]\n');
  await sandbox.write("work/planted.js", PROGRAM);
  await sandbox.write("work/.env", "VSYNC_REPO=planted\n");
  await sandbox.write("work/tsconfig.json", '{ "compilerOptions": { "paths": { "*": ["./planted.js"] } } }\n');
  for (const name of ["argon2", "pino", "@oclif/core", "valibot"]) {
    await sandbox.write(`work/node_modules/${name}/package.json`, `{ "name": "${name}", "main": "index.js" }`);
    await sandbox.write(`work/node_modules/${name}/index.js`, PROGRAM);
  }
  const before = await sandbox.snapshot();
  const { stderr, exitCode } = await sandbox.run(["status", "--env=prod", "--log-level=debug"]);
  expect(stderr).toContain("this folder is in no repository");
  expect(exitCode).toBe(1);
  expect(await sandbox.snapshot()).toEqual(before);
});
