import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Which tests are to notice, see `main.ts`. */
const { tests, vectors, without } = JSON.parse(process.env["VSYNC_MUTATION_WATCH"] ?? '{"tests":[],"vectors":[]}') as {
  readonly tests: readonly string[];
  readonly vectors: readonly string[];
  readonly without?: readonly string[];
};
const data = readdirSync(new URL("../vectors/data", import.meta.url), { withFileTypes: true });
const others = data.filter((it) => it.isDirectory() && !vectors.includes(it.name)).map((it) => `${it.name} `);

export default defineConfig({
  test: {
    include: [...tests, ...(vectors.length === 0 ? [] : ["test/vectors/*.test.ts"])],
    // The vectors are one file, and the folder is where a vector's name begins.
    testNamePattern: new RegExp(`^(?!${[...others, ...(without ?? [])].join("|")})`),
    testTimeout: 60_000,
    maxWorkers: 1,
    fsModuleCache: false,
    provide: { s3: null },
  },
});
