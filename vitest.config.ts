import { defineConfig } from "vitest/config";

// Where .ci/run reads how many tests passed.
const COUNTED = { outputFile: process.env.VSYNC_TEST_BIN ? ".cache/tests-binary.json" : ".cache/tests.json" };

export default defineConfig({
  test: {
    include: ["{lab,test}/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    reporters: process.env.CI === "true" ? ["default", ["json", COUNTED]] : ["default"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // It has been seen to run a file as it was before an edit.
    fsModuleCache: false,
  },
});
