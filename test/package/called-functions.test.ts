import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withCalledFirst } from "../../scripts/bundle/called-functions.ts";

const PROGRAM = join(import.meta.dirname, "../../dist/program/program.cjs");
const TEXT = `const x = a();
function a() {
\tfunction inner() {}
\treturn inner;
}
function unused() {}
async function* b(c) {}
class D {
\tm() {}
}
`;

function rangeOf(part: string): [number, number] {
  const start = TEXT.indexOf(part);
  return [start, start + part.length];
}

test("called functions of the top level come first, as expressions; methods and inner functions stay", () => {
  const a = "function a() {\n\tfunction inner() {}\n\treturn inner;\n}";
  const parts = ["async function* b(c) {}", a, "function inner() {}", "m() {}", TEXT];
  expect(withCalledFirst(TEXT, parts.map(rangeOf))).toBe(`var a = (function () {
\tfunction inner() {}
\treturn inner;
});
var b = (async function* (c) {});
const x = a();
function unused() {}
class D {
\tm() {}
}
`);
});

test("the built program has what a start calls compiled with its files", () => {
  const program = readFileSync(PROGRAM, "utf8");
  expect(program).toContain("var runProgram = (async function (argv, parts) {");
  expect(program).toContain("\nasync function showHelp(");
});
