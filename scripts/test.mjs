// Runs Vitest, with its arguments, on the single binary, which starts in a fraction of the time of bin/run.js. If this
// machine cannot build one, the tests start bin/run.js.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
const VSYNC_TEST_BIN = process.env.VSYNC_TEST_BIN ?? builtProgram();
process.exitCode = run([vitest, "run", ...process.argv.slice(2)], { ...process.env, VSYNC_TEST_BIN });

function builtProgram() {
  const program = join("dist", process.platform === "win32" ? "vsync.exe" : "vsync");
  const isBuilt = process.env.VSYNC_BUILT === root && existsSync(join(root, program));
  if (isBuilt || run(["scripts/build-binary.mjs"]) === 0) return program;
  if (process.env.CI === "true") process.exit(1);
  process.stderr.write("the binary was not made, so the tests start bin/run.js, which takes them longer\n");
  return join("bin", "run.js");
}

function run(args, env = process.env) {
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: "inherit" }).status ?? 1;
}
