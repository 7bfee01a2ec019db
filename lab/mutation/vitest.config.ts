import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The tests that should notice; see `main.ts`. */
const { tests, vectors, without, remembers } = JSON.parse(
  process.env["VSYNC_MUTATION_WATCH"] ?? '{"tests":[],"vectors":[]}',
) as {
  readonly tests: readonly string[];
  readonly vectors: readonly string[];
  readonly without?: readonly string[];
  readonly remembers?: boolean;
};
const ARGON2ID_ONCE = fileURLToPath(new URL("../faults/campaign/argon2id-once.ts", import.meta.url));
const data = readdirSync(new URL("../vectors/data", import.meta.url), { withFileTypes: true });
const others = data.filter((it) => it.isDirectory() && !vectors.includes(it.name)).map((it) => `${it.name} > `);

export default defineConfig({
  plugins: remembers === true ? [{ name: "argon2id-once", enforce: "pre", resolveId: argon2idOnce }] : [],
  test: {
    include: [...tests, ...(vectors.length === 0 ? [] : ["test/vectors/*.test.ts"])],
    // All vectors are one test file, and a vector's name starts with its folder.
    testNamePattern: new RegExp(`^(?!${[...others, ...(without ?? [])].join("|")})`),
    testTimeout: 60_000,
    maxWorkers: 1,
    // Starting a thread per test file takes longer than most of the files.
    isolate: false,
    fsModuleCache: false,
    provide: { s3: null },
  },
});

/** Like `remember-derivations.ts` for a program: these tests spend most of their time in Argon2id. */
function argon2idOnce(specifier: string, importer?: string): string | undefined {
  const isTheKdf = specifier === "./argon2id.ts" && importer?.endsWith("/src/crypto/kdf.ts") === true;
  return isTheKdf ? ARGON2ID_ONCE : undefined;
}
