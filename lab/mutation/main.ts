/**
 * `npm run mutation -- --folder=blob [--file=token.ts] [--tests='test/blob/*.test.ts']` makes one change after another in
 * `src/<folder>`, runs the tests that should notice, and names the changes that none of them noticed. It first fetches
 * Stryker by its own lockfile. `--file` and `--tests` are patterns; you can repeat `--file` and add lines to look at again:
 * `--file=rotate.ts:60-65`. `--no-vectors` leaves the vectors out, and `--derive` derives each key anew.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const ROOT = resolve(import.meta.dirname, "../..");
const TOOLS = join(import.meta.dirname, "node_modules/@stryker-mutator");

interface Watch {
  readonly tests: readonly string[];
  /** The folders of vectors that cover it. */
  readonly vectors: readonly string[];
  /** Prefixes of the tests that need all their samples. */
  readonly without?: readonly string[];
  /** Whether a test file derives each key only once; not if the derivation itself is mutated. */
  readonly remembers?: boolean;
}

/**
 * Few and quick tests: each runs again for each change in the code it covers. Programs run `dist/`, which is not mutated.
 * The test files of a run share their modules, so run one that replaces a module (`vi.mock`) alone, with `--tests`.
 */
const WATCHES: Readonly<Record<string, Watch>> = {
  blob: { tests: ["test/blob/*.test.ts"], vectors: ["scoped", "token"] },
  crypto: {
    tests: ["test/crypto/!(argon2id-missing|kdf).test.ts"],
    vectors: ["box", "hpke", "kdf", "keys", "note", "scoped"],
  },
  vault: {
    tests: ["test/vault/**/!(passphrase-holder).test.ts", "test/attacks/tokens.test.ts"],
    vectors: ["audit", "bundle", "gateway", "manifest", "older", "path", "scoped", "ts", "usage"],
    without: ["on random texts", "an accepted push opens again", "with any byte or", "in a store"],
    remembers: true,
  },
  tokens: { tests: ["test/tokens/**/*.test.ts"], vectors: ["access", "grants"] },
  runtime: {
    tests: [
      "test/runtime/{cached-store,errors,fill-environment,inputs,open-contents,options,token,vsync}.test.ts",
      "test/runtime/cache/*.test.ts",
    ],
    vectors: [],
    remembers: true,
  },
  directory: { tests: ["test/directory/{contract,directory-store,location}.test.ts"], vectors: ["path"] },
  disk: { tests: ["test/disk/{faults,given-file,process-table}.test.ts"], vectors: [] },
  s3: { tests: ["test/s3/{answers,network}.test.ts"], vectors: [] },
};

const { values } = parseArgs({
  options: {
    folder: { type: "string", multiple: true },
    file: { type: "string", multiple: true },
    tests: { type: "string" },
    "no-vectors": { type: "boolean" },
    derive: { type: "boolean" },
  },
});
if (!existsSync(TOOLS)) {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"];
  execFileSync("npm", args, { cwd: import.meta.dirname, stdio: "inherit" });
}
for (const folder of values.folder ?? Object.keys(WATCHES)) {
  const { status } = mutate(folder, values.file ?? ["**/*.ts"], values.tests);
  if (status !== 0) process.exitCode = 1;
}

function mutate(folder: string, files: readonly string[], tests: string | undefined) {
  const cache = join(ROOT, ".cache/mutation");
  mkdirSync(cache, { recursive: true });
  const config = join(cache, `${folder}.json`);
  writeFileSync(config, JSON.stringify(optionsOf(folder, files, cache)));
  const watch = {
    ...WATCHES[folder],
    ...(tests === undefined ? {} : { tests: [tests] }),
    ...(values["no-vectors"] === true ? { vectors: [] } : {}),
    ...(values.derive === true ? { remembers: false } : {}),
  };
  return spawnSync(process.execPath, [join(TOOLS, "core/bin/stryker.js"), "run", config], {
    cwd: ROOT,
    stdio: "inherit",
    // A fiftieth of the samples, because each change draws them again.
    env: { ...process.env, VSYNC_FUZZ_TIMES: "0.02", VSYNC_MUTATION_WATCH: JSON.stringify(watch) },
  });
}

function optionsOf(folder: string, files: readonly string[], cache: string): object {
  return {
    mutate: files.map((file) => `src/${folder}/${file}`),
    plugins: [join(TOOLS, "vitest-runner/dist/src/index.js")],
    testRunner: "vitest",
    vitest: { configFile: "lab/mutation/vitest.config.ts", related: false },
    coverageAnalysis: "perTest",
    concurrency: 1,
    // Under load a test may take long, and a timeout counts as noticed.
    timeoutMS: 20_000,
    // Every test would have to run for a change in code that runs while a module loads.
    ignoreStatic: true,
    reporters: ["clear-text", "json", "progress-append-only"],
    clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
    jsonReporter: { fileName: join(cache, `${folder}-report.json`) },
    tempDirName: ".cache/stryker",
    // Stryker need not copy files other than the sources and their tests.
    ignorePatterns: ["dist", "docs", "contrib", "coverage", "lab/bench", "lab/mutation/node_modules"],
    disableTypeChecks: false,
    // Stryker reads tsconfig.json through TypeScript's old interface, which TypeScript 7 lacks.
    tsconfigFile: "there-is-none.json",
    // Leaves out the words of messages: readers check those.
    mutator: { excludedMutations: ["StringLiteral"] },
  };
}
