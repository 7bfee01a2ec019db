import { globSync, readFileSync } from "node:fs";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Each script that runs tests leaves a count of its own for .ci/run. */
const { npm_lifecycle_event: script = "vitest" } = process.env;
const COUNTED = { outputFile: `.cache/counts/${script.replace(":", "-")}.json` };

/** A file that starts programs says so in its first line, and `npm run test:unit` passes it over without loading it. */
const STARTS_PROGRAMS = "/** @module-tag process */\n";
const startsPrograms = (path: string): boolean => readFileSync(path, "utf8").startsWith(STARTS_PROGRAMS);
const PASSED_OVER = script === "test:unit" ? globSync("test/**/*.test.ts").filter(startsPrograms) : [];

const ON_REAL_SERVER = /inject\("s3"\)|realServer\(|describeOnEveryStore\(/;

/**
 * Files that start programs, talk to servers or run a whole contract take longest, so they run first: at the end, all
 * workers have small ones. Those on the real S3 server come after the others, while it starts.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the method is Vitest's
    const sorted = await super.sort(files);
    return [0, 1, 2, 3].flatMap((it) => sorted.filter((file) => rank(file) === it));
  }
}

function rank({ moduleId }: TestSpecification): number {
  if (moduleId.includes("/test/scripts/")) return 0;
  if (ON_REAL_SERVER.test(readFileSync(moduleId, "utf8"))) return 2;
  return /\/test\/(?:attacks|directory|integration|s3|vectors)\//.test(moduleId) || startsPrograms(moduleId) ? 1 : 3;
}

export default defineConfig({
  test: {
    include: ["{lab,test}/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...PASSED_OVER],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/replaced-modules.ts"],
    reporters: process.env.CI === "true" ? ["default", ["json", COUNTED]] : ["default"],
    tags: [{ name: "process", description: "starts programs" }],
    // Only what hangs may reach these, on a machine that has ten times as much to do, too.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 120_000 } },
    // One more than the cores of a small machine: tests wait for programs and servers.
    maxWorkers: 3,
    maxConcurrency: 3,
    // Files share workers and the modules in them, which a worker for each file would load 200 times. The others are few.
    isolate: script === "lab" || script === "test:shipped",
    sequence: { sequencer: LongestFirst },
    // It has been seen to run a file as it was before an edit.
    fsModuleCache: false,
  },
});
