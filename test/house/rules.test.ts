/** @module-tag process */
import { beforeAll, expect, test } from "vitest";
import { type Complaint, lint } from "./lint.ts";

const lines = (count: number, line: (number: number) => string): string =>
  `${Array.from({ length: count }, (_, number) => line(number)).join("\n")}\n`;
const constants = (count: number): string => lines(count, (number) => `export const a${number} = ${number};`);
const longFunction = (count: number): string =>
  `export function long() {\n  let a = 0;\n${lines(count - 4, (number) => `  a += ${number};`)}  return a;\n}\n`;
const execute = (body: string): string =>
  `declare function it(...of: number[]): void;\nexport class It {\n  execute(): void {\n${body}  }\n}\n`;
const statements = (count: number): string => execute(lines(count, (number) => `    it(${number});`));
/** An `execute` of `count` lines with one statement. */
const longExecute = (count: number): string =>
  execute(`    it(\n${lines(count - 4, (number) => `      ${number},`)}    );\n`);
const TRY = "try {\n  it();\n} finally {\n  it();\n}\nfunction it(): void {}\n";
const SWITCH = 'export function it(a: "x" | "y"): void {\n  switch (a) {\n    case "x":\n      return;\n  }\n}\n';

/** A folder, where the file gets a generated name, or the path of a file. */
type Place = string;
type Case = readonly [
  rule: string,
  title: string,
  text: string,
  refused: readonly Place[],
  accepted?: readonly Place[],
];

const PURE = ["src/commands/", "src/vault/", "src/blob/", "src/crypto/", "src/s3/"];
const MACHINE = ["src/cli/terminal/", "src/directory/", "src/disk/", "src/stores/", "src/runtime/"];
const EMPTY_NAMES = [
  "src/cli/utils.ts",
  "src/vault/helpers/open.ts",
  "src/s3/common.ts",
  "src/directory/misc.ts",
  "src/runtime/session-manager.ts",
  "src/crypto/key.service.ts",
  "test/support/utils.ts",
  "scripts/string-utils.mjs",
];

const CASES: readonly Case[] = [
  ["eslint(no-restricted-globals)", "process", "export const it = process.env;", PURE, MACHINE],
  ["eslint(no-restricted-globals)", "console", "console.log(1);", PURE, MACHINE],
  ["eslint(no-restricted-globals)", "performance", "export const it = performance.now();", PURE, MACHINE],
  ["eslint(no-restricted-properties)", "Date.now", "export const it = Date.now();", PURE, MACHINE],
  ["eslint(no-restricted-properties)", "now taken from Date", "export const { now } = Date;", PURE, MACHINE],
  ["eslint(no-restricted-properties)", "Math.random", "export const it = Math.random();", PURE, MACHINE],
  ["eslint(no-restricted-properties)", "globalThis", "export const it = globalThis.process;", PURE, MACHINE],
  ["house(ambient-time)", "new Date()", "export const it = new Date();", PURE, MACHINE],
  ["house(ambient-time)", "Date()", "export const it = Date();", PURE, MACHINE],
  [
    "house(ambient-time)",
    "a Date of an instant",
    "export const it = [new Date(0), new Date(Date.UTC(26, 0))];",
    [],
    PURE,
  ],
  ["house(command-try)", "try", TRY, ["src/commands/", "src/commands/audit/"], ["src/cli/", "src/vault/"]],
  [
    "house(names)",
    "empty words",
    "export const it = 1;\n",
    EMPTY_NAMES,
    ["src/cli/utilisation.ts", "src/s3/commons.ts"],
  ],
  ["eslint(max-lines)", "301 lines", constants(301), [...PURE, ...MACHINE], ["test/vault/301.test.ts"]],
  ["eslint(max-lines)", "300 lines", constants(300), [], PURE],
  [
    "eslint(max-lines-per-function)",
    "a function of 41 lines",
    longFunction(41),
    ["src/vault/", "test/support/", "scripts/function-41.mjs"],
    ["test/vault/function-41.test.ts"],
  ],
  ["eslint(max-lines-per-function)", "a function of 40 lines", longFunction(40), [], ["src/vault/"]],
  ["eslint(max-lines-per-function)", "an execute of 26 lines", longExecute(26), ["src/commands/"], ["src/cli/"]],
  [
    "eslint(max-lines-per-function)",
    "an execute of 25 lines in a command of 200",
    constants(170) + longExecute(25),
    [],
    ["src/commands/"],
  ],
  ["eslint(max-statements)", "an execute of 16 statements", statements(16), ["src/commands/"], ["src/cli/"]],
  ["eslint(max-statements)", "an execute of 15 statements", statements(15), [], ["src/commands/"]],
  [
    "eslint(no-restricted-imports)",
    "a test that imports from the lab",
    'export { Soak } from "../../lab/soak/soak.ts";\n',
    ["test/vault/soak.test.ts"],
    ["lab/faults/"],
  ],
  [
    "import(no-default-export)",
    "a default export",
    "const it = 1;\nexport default it;\n",
    ["src/cli/", "test/support/"],
    ["vitest.config.ts"],
  ],
  [
    "typescript(no-floating-promises)",
    "a promise that nobody awaits",
    "async function it(): Promise<void> {}\nit();\n",
    ["src/vault/", "test/vault/floating.test.ts"],
  ],
  ["typescript(no-explicit-any)", "any", "export const it: any = 1;\n", ["src/vault/", "test/vault/any.test.ts"]],
  ["typescript(switch-exhaustiveness-check)", "a switch that forgets a case", SWITCH, ["src/vault/"]],
];

// Cycles need more than one file, so they do not fit the table.
const CYCLES: Readonly<Record<string, string>> = {
  "src/vault/cycle-a.ts": 'import { b } from "./cycle-b.ts";\nexport const a = () => b;\n',
  "src/vault/cycle-b.ts": 'import { a } from "./cycle-a.ts";\nexport const b = () => a;\n',
  "src/vault/types-a.ts": 'import type { B } from "./types-b.ts";\nexport type A = B | 1;\n',
  "src/vault/types-b.ts": 'import type { A } from "./types-a.ts";\nexport type B = A | 2;\n',
};

const fileAt = (place: Place, number: number): string => (place.endsWith("/") ? `${place}case-${number}.ts` : place);
const PLACED = CASES.map(([rule, title, text, refused, accepted = []], number) => ({
  title: `${rule}: ${title}`,
  rule,
  text,
  refused: refused.map((place) => fileAt(place, number)),
  accepted: accepted.map((place) => fileAt(place, number)),
}));

let complaints: readonly Complaint[];
const rulesOf = (path: string): readonly string[] => complaints.filter((it) => it.path === path).map((it) => it.rule);

beforeAll(async () => {
  const files = PLACED.flatMap(({ text, refused, accepted }) =>
    [...refused, ...accepted].map((path): [string, string] => [path, text]),
  );
  expect(new Set(files.map(([path]) => path)).size).toBe(files.length);
  complaints = await lint(new Map([...files, ...Object.entries(CYCLES)]));
});

test.each(PLACED)("$title", ({ rule, refused, accepted }) => {
  for (const path of refused) expect(rulesOf(path), path).toContain(rule);
  for (const path of accepted) expect(rulesOf(path), path).not.toContain(rule);
});

test.each(Object.keys(CYCLES))("import(no-cycle): %s", (path) => {
  expect(rulesOf(path)).toContain("import(no-cycle)");
});
