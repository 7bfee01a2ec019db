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
const files = readdirSync(new URL("../../test/vectors/data", import.meta.url));
const kinds = files.flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -".json".length)] : []));
const others = kinds.filter((kind) => !vectors.includes(kind)).map((kind) => `${kind} > `);

export default defineConfig({
  plugins: remembers === true ? [{ name: "argon2id-once", enforce: "pre", resolveId: argon2idOnce }] : [],
  test: {
    include: [...tests, ...(vectors.length === 0 ? [] : ["test/vectors/*.test.ts"])],
    // The vectors are one file, and the kind is where a vector's name begins.
    testNamePattern: new RegExp(`^(?!${[...others, ...(without ?? [])].join("|")})`),
    testTimeout: 60_000,
    maxWorkers: 1,
    // Starting a thread per test file takes longer than most of the files.
    isolate: false,
    fsModuleCache: false,
    provide: { s3: null },
    tags: [{ name: "process", description: "starts programs" }],
  },
});

/** Like `remember-derivations.ts` for a program: these tests spend most of their time in Argon2id. */
function argon2idOnce(specifier: string, importer?: string): string | undefined {
  const isTheKdf = specifier === "./argon2id.ts" && importer?.endsWith("/src/crypto/kdf.ts") === true;
  return isTheKdf ? ARGON2ID_ONCE : undefined;
}
