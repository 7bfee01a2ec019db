import { defineConfig } from "vitest/config";

/** Which tests are to notice: those of the folder that is mutated, see `main.ts`. */
const TESTS = JSON.parse(process.env["VSYNC_MUTATION_TESTS"] ?? "[]") as string[];

export default defineConfig({
  test: {
    include: TESTS,
    testTimeout: 60_000,
    maxWorkers: 1,
    fsModuleCache: false,
    provide: { s3: null },
  },
});
