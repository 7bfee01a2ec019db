import { beforeAll, expect, test } from "vitest";
import { type Complaint, lint } from "./lint.ts";

const lines = (count: number, line: (number: number) => string): string =>
  `${Array.from({ length: count }, (_, number) => line(number)).join("\n")}\n`;
const constants = (count: number): string => lines(count, (number) => `export const a${number} = ${number};`);
const longFunction = (count: number): string =>
  `export function long() {\n  let a = 0;\n${lines(count - 4, (number) => `  a += ${number};`)}  return a;\n}\n`;
const execute = (body: string): string =>
  `declare function it(...of: number[]): void;\nexport class It {\n  execute(): void {\n${body}  }\n}\n`;
/** The body of a function of `count` lines with one statement. */
const longExpression = (count: number): string =>
  `    it(\n${lines(count - 4, (number) => `      ${number},`)}    );\n`;

const PURE = ["src/commands/", "src/vault/", "src/blob/", "src/crypto/", "src/s3/"];
const IMPURE = ["src/cli/terminal/", "src/directory/", "src/disk/", "src/stores/", "src/runtime/"];
const EVERYWHERE = [...PURE, ...IMPURE];

interface Case {
  readonly rule: string;
  readonly name: string;
  readonly text: string;
  readonly refused: readonly string[];
  readonly accepted?: readonly string[];
}

const inFolders = (folders: readonly string[], name: string): readonly string[] => folders.map((it) => it + name);
const machine = (rule: string, name: string, text: string): Case => {
  const file = `${name}.ts`;
  return {
    rule,
    name: `${name} outside the layers that touch the machine`,
    text,
    refused: inFolders(PURE, file),
    accepted: inFolders(IMPURE, file),
  };
};

const CASES: readonly Case[] = [
  machine("eslint(no-restricted-globals)", "process", "export const it = process.env;"),
  machine("eslint(no-restricted-globals)", "console", "console.log(1);"),
  machine("eslint(no-restricted-globals)", "performance", "export const it = performance.now();"),
  machine("eslint(no-restricted-properties)", "date-now", "export const it = Date.now();"),
  machine("eslint(no-restricted-properties)", "taken-apart", "export const { now } = Date;"),
  machine("eslint(no-restricted-properties)", "random", "export const it = Math.random();"),
  machine("eslint(no-restricted-properties)", "global-process", "export const it = globalThis.process;"),
  machine("house(ambient-time)", "new-date", "export const it = new Date();"),
  machine("house(ambient-time)", "date", "export const it = Date();"),
  {
    rule: "house(ambient-time)",
    name: "dates made from an instant",
    text: "export const it = [new Date(0), new Date(Date.UTC(2026, 0))];",
    refused: [],
    accepted: inFolders(PURE, "instant.ts"),
  },
  {
    rule: "house(command-try)",
    name: "try in a command",
    text: "try {\n  it();\n} finally {\n  it();\n}\nfunction it(): void {}\n",
    refused: ["src/commands/try.ts", "src/commands/audit/try.ts"],
    accepted: ["src/cli/try.ts", "src/vault/try.ts"],
  },
  {
    rule: "house(names)",
    name: "names that say nothing",
    text: "export const it = 1;\n",
    refused: [
      "src/cli/utils.ts",
      "src/vault/helpers/open.ts",
      "src/s3/common.ts",
      "src/directory/misc.ts",
      "src/runtime/session-manager.ts",
      "src/crypto/key.service.ts",
      "test/support/utils.ts",
      "scripts/string-utils.mjs",
    ],
    accepted: ["src/cli/utilisation.ts", "src/directory/commons.ts"],
  },
  {
    rule: "eslint(max-lines)",
    name: "files of more than 300 lines",
    text: constants(301),
    refused: inFolders(EVERYWHERE, "301.ts"),
    accepted: ["test/vault/301.test.ts"],
  },
  {
    rule: "eslint(max-lines)",
    name: "files of 300 lines",
    text: constants(300),
    refused: [],
    accepted: ["src/vault/300.ts"],
  },
  {
    rule: "eslint(max-lines-per-function)",
    name: "functions of more than 40 lines",
    text: longFunction(41),
    refused: ["src/vault/function-41.ts", "test/support/function-41.ts", "scripts/function-41.mjs"],
    accepted: ["test/vault/function-41.test.ts"],
  },
  {
    rule: "eslint(max-lines-per-function)",
    name: "functions of 40 lines",
    text: longFunction(40),
    refused: [],
    accepted: ["src/vault/function-40.ts"],
  },
  {
    rule: "eslint(max-lines-per-function)",
    name: "an execute of more than 25 lines",
    text: execute(longExpression(26)),
    refused: ["src/commands/execute-26.ts"],
    accepted: ["src/cli/execute-26.ts"],
  },
  {
    rule: "eslint(max-lines-per-function)",
    name: "an execute of 25 lines, in a command of 200",
    text: constants(170) + execute(longExpression(25)),
    refused: [],
    accepted: ["src/commands/execute-25.ts"],
  },
  {
    rule: "eslint(max-statements)",
    name: "an execute of more than 15 statements",
    text: execute(lines(16, (number) => `    it(${number});`)),
    refused: ["src/commands/statements-16.ts"],
    accepted: ["src/cli/statements-16.ts"],
  },
  {
    rule: "eslint(max-statements)",
    name: "an execute of 15 statements",
    text: execute(lines(15, (number) => `    it(${number});`)),
    refused: [],
    accepted: ["src/commands/statements-15.ts"],
  },
  {
    rule: "eslint(no-restricted-imports)",
    name: "a test that stands on the lab",
    text: 'export { Soak } from "../../lab/soak/soak.ts";\n',
    refused: ["test/vault/soak.test.ts"],
    accepted: ["lab/faults/soak.ts"],
  },
  {
    rule: "import(no-default-export)",
    name: "default exports",
    text: "const it = 1;\nexport default it;\n",
    refused: ["src/cli/default.ts", "test/support/default.ts"],
    accepted: ["vitest.config.ts"],
  },
  {
    rule: "typescript(no-floating-promises)",
    name: "promises that nobody waits for",
    text: "async function it(): Promise<void> {}\nit();\n",
    refused: ["src/vault/floating.ts", "test/vault/floating.test.ts"],
  },
  {
    rule: "typescript(no-explicit-any)",
    name: "any",
    text: "export const it: any = 1;\n",
    refused: ["src/vault/any.ts", "test/vault/any.test.ts"],
  },
  {
    rule: "typescript(switch-exhaustiveness-check)",
    name: "a switch that forgets a case",
    text: 'export function it(a: "x" | "y"): void {\n  switch (a) {\n    case "x":\n      return;\n  }\n}\n',
    refused: ["src/vault/switch.ts"],
  },
];

// Cycles need more than one file, so they do not fit the table.
const CYCLES: Readonly<Record<string, string>> = {
  "src/vault/cycle-a.ts": 'import { b } from "./cycle-b.ts";\nexport const a = () => b;\n',
  "src/vault/cycle-b.ts": 'import { a } from "./cycle-a.ts";\nexport const b = () => a;\n',
  "src/vault/types-a.ts": 'import type { B } from "./types-b.ts";\nexport type A = B | 1;\n',
  "src/vault/types-b.ts": 'import type { A } from "./types-a.ts";\nexport type B = A | 2;\n',
};

let complaints: readonly Complaint[];
const rulesOf = (path: string): readonly string[] => complaints.filter((it) => it.path === path).map((it) => it.rule);

beforeAll(async () => {
  const files = CASES.flatMap(({ text, refused, accepted = [] }) =>
    [...refused, ...accepted].map((path): [string, string] => [path, text]),
  );
  complaints = await lint(new Map([...files, ...Object.entries(CYCLES)]));
});

test.each(CASES)("$rule: $name", ({ rule, refused, accepted = [] }) => {
  for (const path of refused) expect(rulesOf(path), path).toContain(rule);
  for (const path of accepted) expect(rulesOf(path), path).not.toContain(rule);
});

test.each(Object.keys(CYCLES))("import(no-cycle): %s", (path) => {
  expect(rulesOf(path)).toContain("import(no-cycle)");
});

test("no two cases write the same file", () => {
  const paths = CASES.flatMap(({ refused, accepted = [] }) => [...refused, ...accepted]);
  expect(paths).toHaveLength(new Set(paths).size);
});
