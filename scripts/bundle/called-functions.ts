import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Where a function begins and ends in its file. */
type Range = readonly [number, number];

/** What V8 reports of a process. */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly [
        { readonly startOffset: number; readonly endOffset: number; readonly count: number },
        ...object[],
      ];
    }[];
  }[];
}

const START = `
  const [folder, ...argv] = process.argv.slice(1);
  const { runProgram } = require(folder + "/program.cjs");
  const { COMMANDS } = require(folder + "/commands.cjs");
  void runProgram(argv, { pjson: { version: "0.0.0" }, commands: COMMANDS });
`;
const DECLARATION = /^((?:async )?function\*?) ([\w$]+)/;

/**
 * Node.js writes its compile cache before a file's functions run. V8 compiles most functions only when they are called,
 * so the cache does not contain them, and each start compiles them again. But V8 compiles a function in parentheses with
 * its file. So this runs the built program once, and puts the functions that `runtime-token` calls in parentheses
 * (decision 0121).
 *
 * @param folder the program's bundles
 */
export function compileCalledFunctions(folder: string): void {
  for (const { url, functions } of coverageOfStart(folder).result.filter((file) => file.url.endsWith(".cjs"))) {
    const called = functions.filter(({ ranges: [whole] }) => whole.count > 0);
    const path = join(folder, basename(url));
    const ranges = called.map(({ ranges: [whole] }): Range => [whole.startOffset, whole.endOffset]);
    writeFileSync(path, withCalledFirst(readFileSync(path, "utf8"), ranges));
  }
}

/**
 * Moves the functions in these ranges that are declared at the top level to the start of the file, as
 * `var name = (function (…) {…});`: like their declarations, they are there before any other code runs.
 */
export function withCalledFirst(text: string, ranges: readonly Range[]): string {
  const called = ranges
    .filter(([start, end]) => text[start - 1] === "\n" && text[end] === "\n")
    .filter((range) => DECLARATION.test(text.slice(...range)))
    .toSorted(([one], [other]) => one - other);
  let first = "";
  let rest = "";
  let at = 0;
  for (const [start, end] of called) {
    first += `${text.slice(start, end).replace(DECLARATION, (_, kind, name) => `var ${name} = (${kind} `)});\n`;
    rest += text.slice(at, start);
    at = end + 1;
  }
  return first + rest + text.slice(at);
}

/** Of an app in a home of its own, so that every build gives the same bytes. */
function coverageOfStart(folder: string): Coverage {
  const home = mkdtempSync(join(tmpdir(), "vsync-build-"));
  const app = join(home, "app");
  const coverage = join(home, "coverage");
  const env = { HOME: home, VSYNC_PASSPHRASE: "correct horse battery staple" };
  const run = (args: readonly string[], more: object = {}) =>
    execFileSync(process.execPath, ["-e", START, "--", folder, ...args], {
      cwd: app,
      env: { ...env, ...more },
      stdio: ["ignore", "ignore", "pipe"],
    });
  try {
    mkdirSync(app);
    writeFileSync(join(app, "package.json"), '{"name":"app"}');
    run(["init", "--env=prod", "--local"]);
    run(["runtime-token", "--env=prod", "--no-validate"], { NODE_V8_COVERAGE: coverage });
    const [report = ""] = readdirSync(coverage);
    return JSON.parse(readFileSync(join(coverage, report), "utf8")) as Coverage;
  } finally {
    rmSync(home, { recursive: true });
  }
}
