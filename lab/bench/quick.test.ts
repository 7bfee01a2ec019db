import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isMet, verdictsOf } from "./page/bars.ts";
import type { Results, Row } from "./results.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;
let results: Results;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-test-bench-"));
  const out = join(folder, "results.json");
  // It starts dozens of processes of the same sources.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, ".cache/compile") };
  await promisify(execFile)(process.execPath, ["lab/bench/main.ts", "--quick", `--out=${out}`], { cwd: ROOT, env });
  results = JSON.parse(await readFile(out, "utf8")) as Results;
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("npm run bench -- --quick", () => {
  test("has rows of every group, each with its numbers in order", () => {
    const groups = new Set(results.rows.map(({ group }) => group));
    expect([...groups].toSorted()).toEqual([
      "Vsync.open of many secrets",
      "Vsync.open over S3",
      "access tokens",
      "audit log over S3",
      "cold start over S3",
      "commit with tokens",
      "memory of a scoped token over S3",
      "open a directory, exec true",
      "peak memory over S3",
      "push to a directory",
      "rotate in a directory",
      "rotate over S3",
      "run --redact",
      "signed requests",
      "start-up",
      "usage",
    ]);
    for (const { wallMs } of results.rows) {
      expect(wallMs.runs).toBeGreaterThan(0);
      expect(wallMs.min).toBeGreaterThan(0);
      expect(wallMs.median).toBeGreaterThanOrEqual(wallMs.min);
      expect(wallMs.max).toBeGreaterThanOrEqual(wallMs.median);
    }
  });

  test("measures whole processes beside a control", () => {
    const rows = results.rows.filter(({ group }) => group === "start-up");
    expect(rows[0]).toMatchObject({ program: "control", name: "node -e 0", ratio: 1 });
    for (const row of rows) {
      expect(row.cpuMs).toBeGreaterThan(0);
      expect(row.peakMiB).toBeGreaterThan(1);
    }
  });

  test("counts the requests of each operation", () => {
    const counted = Object.fromEntries(results.requests.map(({ operation, requests }) => [operation, requests]));
    expect(counted).toEqual({
      "mint (`runtime-token --no-validate`)": {},
      "mint (`runtime-token`)": { HEAD: 1 },
      "first push": { GET: 2, PUT: 3 },
      "open (`run`, `get`, `pull`, `Vsync.open()`)": { GET: 2 },
      set: { GET: 4, PUT: 3 },
      rotate: { GET: 4, PUT: 3 },
      "set, 3 rows in the log": { GET: 4, PUT: 3 },
      "set, 10 rows in the log": { GET: 4, PUT: 3 },
    });
  });

  test("boots herds with two requests per instance, even when the server tells them to slow down", () => {
    const herds = results.herds.map(({ instances, limit, opened, failed }) => ({ instances, limit, opened, failed }));
    expect(herds).toEqual([
      { instances: 1, limit: null, opened: 1, failed: {} },
      { instances: 5, limit: null, opened: 5, failed: {} },
      { instances: 5, limit: 2, opened: 5, failed: {} },
      { instances: 5, limit: 2, opened: 5, failed: {} },
    ]);
    const [one, five, limited] = results.herds;
    expect([one?.requestsPerBoot, five?.requestsPerBoot]).toEqual([2, 2]);
    expect(limited?.arrivals.reduce((sum, requests) => sum + requests, 0)).toBe(10 + (limited?.turnedAway ?? 0));
  });

  test("weighs what npm installs", () => {
    const [{ what, packages, bytes } = {}] = results.sizes ?? [];
    expect(what).toBe("`npm install vsync`");
    expect(packages).toBeGreaterThan(1);
    expect(bytes).toBeGreaterThan(1_000_000);
  });

  test("describes the machine without naming a path", () => {
    expect(results.date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(results.machine.cores).toBeGreaterThan(0);
    expect(JSON.stringify(results)).not.toMatch(/\/(home|root|tmp|work|usr)\//);
  });
});

test("the pages leave out what was not measured", async () => {
  const { readme } = (await import(join(ROOT, "scripts/generate/readme.mjs"))) as Pages;
  const { performance } = (await import(join(ROOT, "scripts/generate/performance.mjs"))) as Pages;
  const text = await readFile(join(ROOT, "README.md"), "utf8");
  const withoutPeers = { ...results, rows: results.rows.filter(({ group }) => group === "start-up"), peers: [] };
  expect(readme(text, withoutPeers)).toMatch(/\| mint a token, offline \| [\d.]+ \|.+\|\n\n<!--/);
  expect(performance(withoutPeers).map(([path]) => path)).toContain("docs/performance.md");
});

interface Pages {
  readme(text: string, results: Results): string;
  performance(results: Results): readonly (readonly [path: string, text: string])[];
}

describe("the bars", () => {
  const row = (fields: Partial<Row>, median: number): Row => ({
    group: "Vsync.open over S3",
    name: "open",
    program: "library",
    wallMs: { runs: 1, median, min: median, max: median },
    ...fields,
  });
  const openedIn = (ms: number) =>
    verdictsOf({
      ...results,
      requests: [],
      sizes: [],
      rows: [
        row({ name: "derive", program: "control" }, 100),
        row({ name: "round-trip", roundTripMs: 80 }, 80),
        row({ roundTripMs: 80 }, ms),
      ],
    });

  test("of open: 1.1 × the longer of derivation and two round trips, and 5 ms", () => {
    expect(openedIn(181).map(isMet)).toEqual([true]);
    expect(openedIn(181.1).map(isMet)).toEqual([false]);
    expect(openedIn(181)[0]?.limit).toBeCloseTo(181);
  });

  test("skip everything that was not measured", () => {
    expect(verdictsOf({ ...results, rows: [], requests: [], sizes: [] })).toEqual([]);
  });
});
