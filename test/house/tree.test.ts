/** @module-tag process */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { loadersOf } from "../../src/cli/program/command-table.ts";
import { COMMANDS } from "../../src/commands.ts";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
const FILES = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
const LISTED = Array.from(PAGE.matchAll(/^([\w./-]+\/) {1,}\S.*$/gm), ([, folder = ""]) => folder);

test("CONTRIBUTING.md has a line for each folder of the first two levels, except where test/ mirrors src/", () => {
  const real = new Set(FILES.flatMap((file) => foldersOf(file)));
  const mirrored = [...real].filter(
    (folder) => real.has(folder.replace(/^test\//, "src/")) && folder.startsWith("test/"),
  );
  for (const folder of mirrored) real.delete(folder);
  expect(LISTED.toSorted()).toEqual([...real].toSorted());
});

test("CONTRIBUTING.md lists the folders of src/ in layer order: each imports only those above it", () => {
  const layers = LISTED.filter((folder) => /^src\/./.test(folder));
  const upward = FILES.filter((file) => /^src\/.+\/.+\.ts$/.test(file)).flatMap((file) => {
    const at = (path: string): number => layers.findIndex((folder) => path.startsWith(folder));
    return importsOf(file).flatMap((target) => (at(target) > at(file) ? [`${file} imports ${target}`] : []));
  });
  expect(upward).toEqual([]);
});

/** The import chains, each from its first file: paths with their depth. */
const WAYS = waysOf(PAGE);

test.each(WAYS)(
  "the path of the data from $start: each file is imported by the one that it is indented below",
  (way) => {
    const above: string[] = [];
    const faults = way.steps.flatMap(({ file, depth }) => {
      above.splice(depth, Number.POSITIVE_INFINITY, file);
      const importer = above.at(-2);
      return importer === undefined || importsOf(importer).includes(file)
        ? []
        : [`${importer} does not import ${file}`];
    });
    expect(faults).toEqual([]);
  },
);

// The layers allow no other direction, which the linter checks.
test.each([
  ["src/runtime/vsync.ts", "src/crypto/kdf.ts", "src/crypto/note.ts", "src/crypto/box.ts"],
  ["src/commands/push.ts", "src/vault/commit/next-manifest.ts", "src/vault/audit/append.ts", "src/crypto/box.ts"],
  ["src/commands/rotate-passphrase.ts", "src/vault/unlock/entries.ts", "src/vault/commit/next-manifest.ts"],
])("from %s it is at most 20 files down to the last decision, with what is as above", (start, ...ends) => {
  const files = filesOf(WAYS.find((way) => way.start === start)?.steps ?? []);
  expect([...files]).toEqual(expect.arrayContaining(ends));
  expect(files.size).toBeLessThanOrEqual(20);
});

test("each command of the table has a script that runs it", () => {
  const scripts = FILES.filter((file) => /^test\/scripts\/.*\.txt$/.test(file));
  const text = scripts.map((file) => readFileSync(join(ROOT, file), "utf8")).join("\n");
  const ids = Object.values(COMMANDS).flatMap((group) => Object.keys(group));
  const without = ids.filter((id) => !new RegExp(`^\\$ .*\\bvsync ${id.replace(":", " ")}\\b`, "m").test(text));
  expect(ids.length).toBeGreaterThan(20);
  expect(without).toEqual([]);
});

/** Commands without `--json`, and why. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  completion: "prints a script for a shell",
  export: "prints the format that --format names; json is one",
  run: "stdout belongs to the program that it runs",
  "tokens:access": "prints a JWT, alone",
  "gateway-keys:export": "prints a JWK set, which is JSON",
  "gateway:sign": "prints headers, or a command line for curl",
  "dev-core": "a server",
  "dev-gateway": "a server",
  "usage:send": "sends to the store, and prints nothing on stdout",
};

test("each command of the table has --json, or a reason here and on docs/json.md", async () => {
  const page = readFileSync(join(ROOT, "docs/json.md"), "utf8");
  const loaders = Object.entries(loadersOf(COMMANDS));
  const without = await Promise.all(loaders.map(async ([id, load]) => ("json" in (await load()).flags ? [] : [id])));
  expect(without.flat().toSorted()).toEqual(Object.keys(WITHOUT_JSON).toSorted());
  const unnamed = loaders.filter(([id]) => !page.includes(`\`${id.replace(":", " ")}\``));
  expect(unnamed.map(([id]) => id)).toEqual([]);
});

test("test/ is at most 1.3 times as long as src/, in lines", () => {
  const linesBelow = (folder: string): number => {
    const texts = FILES.filter((file) => file.startsWith(folder)).map((file) => readFileSync(join(ROOT, file), "utf8"));
    return texts.reduce((sum, text) => sum + text.split("\n").length - 1, 0);
  };
  expect(linesBelow("test/") / linesBelow("src/")).toBeLessThanOrEqual(1.3);
});

interface Step {
  readonly file: string;
  readonly depth: number;
  readonly isAsAbove: boolean;
}

interface Way {
  readonly start: string;
  readonly steps: readonly Step[];
}

function filesOf(steps: readonly Step[]): ReadonlySet<string> {
  return new Set(steps.flatMap(({ file, isAsAbove }) => (isAsAbove ? [...filesOf(belowFirst(file))] : [file])));
}

/** The first mention of a file that is not "as above", and the steps below it. */
function belowFirst(file: string): Step[] {
  const all = WAYS.flatMap(({ steps }) => steps);
  const at = all.findIndex((step) => step.file === file && !step.isAsAbove);
  const depth = all[at]?.depth ?? Number.NaN;
  const end = all.findIndex((step, index) => index > at && step.depth <= depth);
  return all.slice(at, end < 0 ? all.length : end);
}

function waysOf(page: string): Way[] {
  const steps = Array.from(page.matchAll(/^( *)(src\/\S+\.ts) +(.*)$/gm), ([, indent = "", file = "", what]) => {
    return { file, depth: indent.length / 2, isAsAbove: what === "as above" };
  });
  const starts = steps.flatMap(({ depth }, at) => (depth === 0 ? [at] : []));
  return starts.map((at, n) => ({ start: steps[at]?.file ?? "", steps: steps.slice(at, starts[n + 1]) }));
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return Array.from(source.matchAll(/(?:from |import\()"(\.[^"]+)"/g), ([, path = ""]) => join(dirname(file), path));
}

/** Leaves out folders that start with a dot, and `test/` itself, which contains only folders. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  const folders = parts.slice(0, 2).map((_, at) => `${parts.slice(0, at + 1).join("/")}/`);
  return folders.filter((folder) => !folder.startsWith(".") && folder !== "test/");
}
