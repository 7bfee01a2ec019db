/**
 * `npm run mutation -- --folder=blob [--file=decode.ts] [--tests='test/blob/*.test.ts']`: changes one thing after the other
 * in `src/<folder>`, runs the tests that are to notice, and names the changes that none of them did. Fetches Stryker first,
 * by its own lockfile. `--file` and `--tests` are patterns; a file may be given more than once, and with the lines that are
 * looked at again: `--file=rotate.ts:60-65`; `--no-vectors` leaves the vectors out, where the tests say it all.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const ROOT = resolve(import.meta.dirname, "../..");
const TOOLS = join(import.meta.dirname, "node_modules/@stryker-mutator");

interface Watch {
  readonly tests: readonly string[];
  /** Which folders of the vectors say something of it. */
  readonly vectors: readonly string[];
  /** How the names of tests begin that need all their samples. */
  readonly without?: readonly string[];
  /** Whether each key is derived once in a test file, where the derivation is not what is changed. */
  readonly remembers?: boolean;
}

/**
 * Few and quick ones: each runs again for each change in what it covers. Programs run `dist/`, where nothing is mutated.
 * The test files of a run share their modules, so that one that replaces a module (`vi.mock`) is run alone, by `--tests`.
 */
const WATCHES: Readonly<Record<string, Watch>> = {
  blob: { tests: ["test/blob/*.test.ts"], vectors: ["token"] },
  crypto: { tests: ["test/crypto/*.test.ts"], vectors: ["box", "hpke", "kdf", "keys", "note"] },
  vault: {
    tests: ["test/vault/!(older-generations|json-extent).test.ts"],
    vectors: ["audit", "bundle", "manifest", "older", "path", "ts"],
    without: [
      "takes exactly what the rules allow",
      "what a push takes opens again",
      "the bundle > with an altered index, well sealed",
    ],
    remembers: true,
  },
  runtime: {
    tests: [
      "test/runtime/{accessors,cache,cache-file,cached-store,errors,fill-environment,inputs,options,path}.test.ts",
    ],
    vectors: [],
    remembers: true,
  },
  file: { tests: ["test/file/{contract,location,objects,process-table,secret-file}.test.ts"], vectors: [] },
  s3: { tests: ["test/s3/answers.test.ts"], vectors: [] },
};

const { values } = parseArgs({
  options: {
    folder: { type: "string", multiple: true },
    file: { type: "string", multiple: true },
    tests: { type: "string" },
    "no-vectors": { type: "boolean" },
  },
});
if (!existsSync(TOOLS)) {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"];
  execFileSync("npm", args, { cwd: import.meta.dirname, stdio: "inherit" });
}
for (const folder of values.folder ?? Object.keys(WATCHES)) {
  const { status } = mutate(folder, values.file ?? ["*.ts"], values.tests);
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
  };
  return spawnSync(process.execPath, [join(TOOLS, "core/bin/stryker.js"), "run", config], {
    cwd: ROOT,
    stdio: "inherit",
    // A fiftieth of the samples: each is drawn again for each change.
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
    // Beside other work a test may take long, and what ends as a loop counts as noticed.
    timeoutMS: 20_000,
    // What runs while a module loads would have to be tried by every test.
    ignoreStatic: true,
    reporters: ["clear-text", "json", "progress-append-only"],
    clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
    jsonReporter: { fileName: join(cache, `${folder}-report.json`) },
    tempDirName: ".cache/stryker",
    // Other files than the sources and their tests need not be copied.
    ignorePatterns: ["dist", "docs", "bench", "contrib", "coverage", "test/mutation/node_modules"],
    disableTypeChecks: false,
    // It would read the project's with TypeScript's old interface, which TypeScript 7 has not.
    tsconfigFile: "there-is-none.json",
    // Words of a message are looked at by whoever reads it.
    mutator: { excludedMutations: ["StringLiteral"] },
  };
}
