import { defineConfig } from "vitest/config";

/** Each script that runs tests leaves a count of its own for .ci/run. */
const { npm_lifecycle_event: script = "vitest" } = process.env;
const COUNTED = { outputFile: `.cache/counts/${script.replace(":", "-")}.json` };

export default defineConfig({
  test: {
    include: ["{lab,test}/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: process.env.CI === "true" ? ["default", ["json", COUNTED]] : ["default"],
    // Only what hangs may reach these, on a machine that has ten times as much to do, too.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    maxConcurrency: 3,
    // It has been seen to run a file as it was before an edit.
    fsModuleCache: false,
  },
});
