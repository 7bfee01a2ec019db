import { globSync, readFileSync } from "node:fs";
import { configDefaults, defineConfig } from "vitest/config";

/** Each script that runs tests leaves a count of its own for .ci/run. */
const { npm_lifecycle_event: script = "vitest" } = process.env;
const COUNTED = { outputFile: `.cache/counts/${script.replace(":", "-")}.json` };

/** A file that starts programs says so in its first line, and `npm run test:unit` passes it over without loading it. */
const STARTS_PROGRAMS = "/** @module-tag process */\n";
const startsPrograms = (path: string): boolean => readFileSync(path, "utf8").startsWith(STARTS_PROGRAMS);
const PASSED_OVER = script === "test:unit" ? globSync("test/**/*.test.ts").filter(startsPrograms) : [];

export default defineConfig({
  test: {
    include: ["{lab,test}/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...PASSED_OVER],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: process.env.CI === "true" ? ["default", ["json", COUNTED]] : ["default"],
    tags: [{ name: "process", description: "starts programs" }],
    // Only what hangs may reach these, on a machine that has ten times as much to do, too.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    maxConcurrency: 3,
    // It has been seen to run a file as it was before an edit.
    fsModuleCache: false,
  },
});
