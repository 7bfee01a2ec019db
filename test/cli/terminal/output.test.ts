import { expect, test } from "vitest";
import { Output } from "../../../src/cli/terminal/output.ts";

/** Everything that an output writes, to a terminal of 34 columns or elsewhere. */
function written(use: (output: Output) => void, { isTTY = false, variables = {} } = {}): string {
  let text = "";
  const sink = { isTTY, columns: 34, write: (chunk: string | Uint8Array) => (text += String(chunk)) };
  use(new Output(sink, sink, variables));
  return text;
}
const LONG = "this machine has no config for env staging of api";

test("a message is one line for a program, and wrapped on a terminal", () => {
  const warn = (output: Output): void => output.warn(LONG);
  expect(written(warn)).toBe(`vsync: warning: ${LONG}\n`);
  expect(written(warn, { isTTY: true, variables: { NO_COLOR: "1" } })).toBe(
    "vsync: warning: this machine has\n  no config for env staging of api\n",
  );
});

test("colour needs a capable terminal and no NO_COLOR", () => {
  const error = (output: Output): void => output.error("no");
  expect(written(error, { isTTY: true })).toBe("vsync: \u001b[31merror:\u001b[39m no\n");
  expect(written(error, { isTTY: true, variables: { TERM: "dumb" } })).toBe("vsync: error: no\n");
  expect(written((output) => output.heading("USAGE"), { isTTY: true })).toBe("\u001b[1mUSAGE\u001b[22m\n");
  expect(written((output) => output.heading("USAGE"))).toBe("USAGE\n");
  const check = (output: Output): void => output.marked("green", "✓", "store");
  expect(written(check, { isTTY: true })).toBe("\u001b[32m✓\u001b[39m store\n");
  expect(written(check, { variables: { FORCE_COLOR: "1" } })).toBe("\u001b[32m✓\u001b[39m store\n");
  expect(written(check, { variables: { FORCE_COLOR: "1", NO_COLOR: "1" } })).toBe("✓ store\n");
});

test("everything but raw bytes is escaped", () => {
  const acting = "a \u001b]0;title\u0007\u202e";
  for (const kind of ["line", "heading", "say", "done", "warn", "error", "hint", "json"] as const) {
    expect(written((output) => output[kind](acting))).not.toMatch(/[\u001b\u0007\u202e]/);
  }
  expect(written((output) => output.raw(acting))).toBe(acting);
  expect(written((output) => output.handOver(acting))).toBe(acting);
});

test("a table has a head on a terminal only", () => {
  const table = (output: Output): void => output.table([{ head: "NAME", cell: (it: string) => it }], ["a"]);
  expect(written(table, { isTTY: true })).toBe("\u001b[1mNAME\u001b[22m\na\n");
  expect(written(table, { isTTY: true, variables: { NO_COLOR: "1" } })).toBe("NAME\na\n");
  expect(written(table)).toBe("a\n");
  expect(written((output) => output.fields({ env: "prod", gen: 3 }))).toBe("env  prod\ngen  3\n");
});
