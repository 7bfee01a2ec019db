/** @module-tag process */
import { beforeAll, expect, test } from "vitest";
import { lint } from "./lint.ts";

const SOURCES = [
  "commands.ts",
  "commands/push.ts",
  "cli/terminal/output.ts",
  "cli/session/session.ts",
  "cli/program/program.ts",
  "vault/rotate.ts",
  "vault/format/limits.ts",
  "vault/open/open.ts",
  "vault/commit/commit.ts",
  "blob/token.ts",
  "blob/location.ts",
  "crypto/secret.ts",
  "s3/store.ts",
  "directory/directory-store.ts",
  "disk/posix.ts",
  "stores/location.ts",
  "runtime/index.ts",
  "ports.ts",
  "errors.ts",
];
const TARGETS = [
  ...SOURCES,
  "../test/support/memory-store.ts",
  "../package.json",
  "@aws-sdk/client-s3",
  "@aws-sdk/credential-provider-node",
  "@aws-sdk/xml-builder",
  "@smithy/signature-v4",
  "@oclif/core",
  "@inquirer/prompts",
  "pino",
  "argon2",
  "node:fs",
  "node:fs/promises",
  "node:process",
  "node:crypto",
];

const GROUND = ["ports.ts", "errors.ts"];
const FORMAT = ["vault/format/limits.ts", "blob/token.ts", "crypto/secret.ts", "node:crypto", ...GROUND];
const VAULT = ["vault/rotate.ts", "vault/commit/commit.ts", "vault/open/open.ts", ...FORMAT];
const DISK = ["node:fs", "node:fs/promises", "node:process", "node:crypto", "disk/posix.ts"];
const STORES = ["stores/location.ts", "s3/store.ts", "directory/directory-store.ts"];
const CLI = [
  ...VAULT,
  ...DISK,
  ...STORES,
  "blob/location.ts",
  "runtime/index.ts",
  "@oclif/core",
  "@inquirer/prompts",
  "pino",
];

// States the layers a second time: a file of each layer, and all of TARGETS that it may import.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "commands.ts": ["commands/push.ts"],
  "commands/probe.ts": [
    "cli/terminal/output.ts",
    "cli/session/session.ts",
    "cli/program/program.ts",
    "vault/rotate.ts",
    "vault/format/limits.ts",
    "vault/open/open.ts",
    "vault/commit/commit.ts",
    "commands/push.ts",
  ],
  "cli/terminal/probe.ts": ["cli/terminal/output.ts", ...CLI],
  "cli/session/probe.ts": ["cli/terminal/output.ts", "cli/session/session.ts", ...CLI],
  "cli/program/probe.ts": ["cli/terminal/output.ts", "cli/session/session.ts", "cli/program/program.ts", ...CLI],
  "runtime/probe.ts": ["runtime/index.ts", "stores/location.ts", "blob/location.ts", ...VAULT, ...DISK],
  "stores/probe.ts": [
    ...STORES,
    "@aws-sdk/credential-provider-node",
    "blob/location.ts",
    ...VAULT,
    "node:fs",
    "node:fs/promises",
    "node:process",
  ],
  "vault/probe.ts": VAULT,
  "vault/commit/probe.ts": ["vault/commit/commit.ts", "vault/open/open.ts", ...FORMAT],
  "vault/open/probe.ts": ["vault/open/open.ts", ...FORMAT],
  "vault/format/probe.ts": FORMAT,
  "s3/probe.ts": [
    "s3/store.ts",
    "@aws-sdk/client-s3",
    "@aws-sdk/xml-builder",
    "@smithy/signature-v4",
    "node:crypto",
    ...GROUND,
  ],
  "directory/probe.ts": ["directory/directory-store.ts", ...DISK, ...GROUND],
  "disk/probe.ts": [...DISK, "errors.ts"],
  "blob/probe.ts": ["blob/token.ts", "blob/location.ts", "errors.ts", "node:crypto"],
  "crypto/probe.ts": ["crypto/secret.ts", "errors.ts", "argon2", "node:crypto"],
  "ports.ts": [],
  "errors.ts": [],
  "elsewhere/probe.ts": [],
};

/** Every way in which a module can name another one; `it` must be unbound in the module. */
const FORMS: readonly ((specifier: string, it: string) => string)[] = [
  (specifier) => `import "${specifier}";`,
  (specifier, it) => `import { it as ${it} } from "${specifier}";`,
  (specifier, it) => `import type { It as ${it} } from "${specifier}";`,
  (specifier, it) => `export { it as ${it} } from "${specifier}";`,
  (specifier) => `export * from "${specifier}";`,
  (specifier) => `await import("${specifier}");`,
  (specifier) => `({}) satisfies import("${specifier}").It;`,
];

interface Statement {
  readonly target: string;
  readonly text: string;
}

function specifierOf(importer: string, target: string): string {
  const up = "../".repeat(importer.split("/").length - 1) || "./";
  return SOURCES.includes(target) || target.startsWith("../") ? up + target : target;
}

function statementsOf(importer: string): readonly Statement[] {
  const targets = TARGETS.filter((target) => target !== importer);
  const pairs = targets.flatMap((target) => FORMS.map((form) => ({ target, form })));
  return pairs.map(({ target, form }, number) => ({
    target,
    text: form(specifierOf(importer, target), `it${number}`),
  }));
}

let refusedLines: ReadonlyMap<string, readonly number[]>;

beforeAll(async () => {
  const importers = Object.keys(MAY_IMPORT).map((importer) => `src/${importer}`);
  const moduleOf = (path: string) => statementsOf(path.slice("src/".length)).map(({ text }) => text);
  const complaints = await lint(new Map(importers.map((path) => [path, moduleOf(path).join("\n")])));
  const layered = complaints.filter(({ rule }) => rule === "house(layers)");
  refusedLines = new Map(
    importers.map((it) => [it, layered.filter(({ path }) => path === it).map(({ line }) => line)]),
  );
});

test.each(Object.entries(MAY_IMPORT))("src/%s may import what the table says and nothing else", (importer, allowed) => {
  const statements = statementsOf(importer);
  const expected = statements.filter(({ target }) => !allowed.includes(target)).map(({ text }) => text);
  const refused = refusedLines.get(`src/${importer}`)?.map((line) => statements[line - 1]?.text);
  expect(refused?.toSorted()).toEqual(expected.toSorted());
});

test("a computed import() in src is refused", async () => {
  const text = ["s3", "directory"].map((it) => `await import(\`../${it}/\${Math.PI}.ts\`);`).join("\n");
  const complaints = await lint(new Map([["src/runtime/probe.ts", text]]));
  expect(complaints.filter(({ rule }) => rule === "house(layers)").map(({ line }) => line)).toEqual([1, 2]);
});
