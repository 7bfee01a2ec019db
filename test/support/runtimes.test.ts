/** @module-tag process */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { RUNTIMES, runtimePath } from "./runtimes.ts";

const VERSIONS: Readonly<Record<(typeof RUNTIMES)[number], RegExp>> = {
  node22: /^node 22\./,
  node24: /^node 24\./,
  node26: /^node 26\./,
  bun: /^bun 1\.4\./,
};
const PROGRAM = "const { bun, node } = process.versions; console.log(bun ? `bun ${bun}` : `node ${node}`);";
const FETCH_LIMIT_MS = 10 * 60_000;

test.each(RUNTIMES)("%s starts and reports its own version", { timeout: FETCH_LIMIT_MS }, async (name) => {
  const { stdout } = await promisify(execFile)(await runtimePath(name), ["-e", PROGRAM]);
  expect(stdout).toMatch(VERSIONS[name]);
});
