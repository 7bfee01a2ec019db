import { execFileSync } from "node:child_process";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readImport } from "../../../src/cli/import/read-import.ts";
import type { Writer } from "../../../src/cli/import/writers.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import * as writers from "../../support/writers.ts";
import { SEED } from "../exported-items.ts";
import { rows } from "../rows.ts";

async function read(writer: string, text: string) {
  const stdin = new Stdin(
    () => Readable.from([Buffer.from(text)]),
    () => false,
  );
  let warnings = "";
  const sink = { write: (line: string | Uint8Array) => (warnings += String(line)) };
  const { items, doubts } = await readImport({ from: writer }, { stdin, output: new Output(sink, sink, {}) });
  expect(doubts).toEqual([]);
  return { items: Object.fromEntries(items.map(({ name, data }) => [name, data.exposeText()])), warnings };
}

const { HARMFUL, LINE_ENDS_ALONE } = writers;

describe("a file is read by the rules of the tool that wrote it", () => {
  test.each<[Writer, string, writers.Values]>([
    ["chamber", writers.chamber(HARMFUL), HARMFUL],
    ["doppler", writers.doppler(HARMFUL), HARMFUL],
    ["heroku", writers.heroku(HARMFUL), HARMFUL],
    ["heroku", writers.heroku(HARMFUL, true).replace(/^JSON.*\n/m, ""), { ...HARMFUL, JSON: "" }],
    ["vercel", writers.vercel(LINE_ENDS_ALONE), LINE_ENDS_ALONE],
    ["sops", writers.sops(LINE_ENDS_ALONE), LINE_ENDS_ALONE],
    ["compose", writers.compose(HARMFUL), HARMFUL],
  ])("%s", async (writer, text, values) => {
    const { items } = await read(writer, text);
    expect({ ...values, ...items }).toEqual(values);
    expect(
      (await read(writer, text.replaceAll("\n", "\r\n").replaceAll("\r\nabc\r\n", "\nabc\n"))).items,
    ).toMatchObject({ DOLLARS: HARMFUL.DOLLARS });
  });

  test.each<[Writer, (values: writers.Values) => string]>([
    ["chamber", writers.chamber],
    ["doppler", writers.doppler],
    ["heroku", (values) => writers.heroku({ ...values, LAST: "a\\b" })],
    ["compose", writers.compose],
  ])("%s: any values", async (writer, write) => {
    const text = fc.string({ unit: fc.constantFrom(..."ab\\n\"'$`! #{}=\n\té"), maxLength: 12 });
    const property = fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), async (all) => {
      const values = Object.fromEntries(all.map((value, at) => [`K${at}`, value]));
      expect((await read(writer, write(values))).items).toMatchObject(values);
    });
    await fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  test("shell: a value below millions of comments", async () => {
    expect((await read("shell", `${"#\n".repeat(4_000_000)}A=1`)).items).toEqual({ A: "1" });
  });

  test.each(["sh", "bash"])("shell: any values, as %s prints them", async (shell) => {
    const text = fc.string({ unit: fc.constantFrom(..."ab\\n\"'$`!~ #;{}=\n\t\u0001é"), maxLength: 12 });
    const values = Object.fromEntries(
      fc.sample(text, { seed: SEED, numRuns: 300 }).map((value, at) => [`K${at}`, value]),
    );
    const printed = execFileSync(shell, ["-c", "export -p"], {
      env: values,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect((await read("shell", printed)).items).toMatchObject(values);
  });

  test.each(rows`
    shell   │ # c⏎export A='it'\''s' B=x\ y; C="\$5 $"⏎declare -x D⏎E=a#b # c │ {"A": "it's", "B": "x y", "C": "$5 $", "E": "a#b"}
    shell   │ A=$'\U0001F600\u20AC\X41\z\x\8\😀\?\\' │ {"A": "😀€\\X41\\z\\x\\8\\😀?\\"}
    shell   │ A={1,2}⏎B={a,⏎export C={} D={1}x E={1,2 F=\{1,2\} G='{1,2}' H={a..bc}; I=[a]*? │ {"A": "{1,2}", "B": "{a,", "C": "{}", "D": "{1}x", "E": "{1,2", "F": "{1,2}", "G": "{1,2}", "H": "{a..bc}", "I": "[a]*?"}
    shell   │ A=$'\303\251\x41\u00e9\t\''⏎B=a\⏎b   │ {"A": "éAé\t'", "B": "ab"}
    chamber │ {"db-password": "x", "url": "y"} │ {"DB_PASSWORD": "x", "URL": "y"}
    sops    │ {"A": "a\\nb"}                   │ {"A": "a\\nb"}
    sops    │ # c⏎A=1⏎⏎B= x # y               │ {"A": "1", "B": " x # y"}
    compose │ A=a b # c⏎B='$$ \'x\'' # c      │ {"A": "a b", "B": "$$ 'x'"}
    compose │ export A: x⏎B=DOLLAR{A}y⏎C="$A-\t\\" │ {"A": "x", "B": "xy", "C": "x-\t\\"}
    compose │ A="1⏎2"⏎B=5$1                   │ {"A": "1\n2", "B": "5$1"}
  `)("%s: %j holds %s", async (writer, text = "", values = "") => {
    expect((await read(writer ?? "", text.replaceAll("DOLLAR", "$"))).items).toEqual(JSON.parse(values));
  });
});

test.each(rows`
  chamber │ A=x                    │ stdin: line 1 is not how chamber writes it
  chamber │ A="x"⏎B="a$hunter2"    │ stdin: line 2 is not how chamber writes it
  doppler │ A="x"⏎B=hunter2        │ stdin: line 2 is not how doppler writes it
  doppler │ A="hunter2             │ stdin: line 1 is not how doppler writes it
  doppler │ A="hunter2" x          │ stdin: line 1 is not how doppler writes it
  heroku  │ A="a"hunter2"          │ stdin: line 1 is not how heroku writes it
  heroku  │ A=hunter2 b            │ stdin: line 1 is not how heroku writes it
  vercel  │ A=hunter2              │ stdin: line 1 is not how vercel writes it
  sops    │ hunter2                │ stdin: line 1 is not how sops writes it
  shell   │ A='hunter2             │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ A=1⏎B="$hunter2"       │ stdin: line 2 has a value B with an unclosed quote or a shell expansion
  shell   │ A=~/hunter2            │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ A=/bin:~/hunter2       │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ export A={hunter2,b}   │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ export A={"hunter2":1,"b":2} │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ declare -x A=x{1..3}   │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ A+=hunter2             │ stdin: line 1 appends to A
  shell   │ A[0]=hunter2           │ stdin: line 1 sets a part of the array A
  shell   │ A=hunter2\             │ stdin: line 1 has a value A with an unclosed quote or a shell expansion
  shell   │ A=$'\ud800'            │ stdin: line 1 has a value that is not UTF-8 text
  shell   │ A=$'\U00110000'        │ stdin: line 1 has a value that is not UTF-8 text
  shell   │ A=1 hunter2            │ stdin: line 1 does something other than set a variable
  shell   │ A=$'\377'              │ stdin: line 1 has a value that is not UTF-8 text
  compose │ A='hunter2             │ stdin: line 1 is not how compose writes it
  compose │ A=$hunter2             │ stdin: line 1 refers to a variable $hunter2 that the file does not set above
  compose │ A=DOLLAR{X:-hunter2}   │ stdin: line 1 refers to a variable that the file does not set above
`)("%s: %j is refused", async (writer, text = "", message) => {
  const refused = read(writer ?? "", text.replaceAll("DOLLAR", "$"));
  await expect(refused).rejects.toMatchObject({ name: "InputError", message, hint: expect.stringMatching(/\S/) });
});

test("warns of a value if the tool writes two different values alike", async () => {
  const doubtful = { JSON: HARMFUL.JSON, WINDOWS: HARMFUL.WINDOWS, PEM: HARMFUL.PEM };
  for (const writer of ["sops", "vercel"] as const) {
    const { warnings } = await read(writer, writers[writer](doubtful));
    expect(warnings).toMatch(/JSON has \\n, which was read as a line end[^]*WINDOWS has \\n/);
    expect(warnings).not.toContain("PEM");
  }
  const { items, warnings } = await read("heroku", String.raw`A='C:\\a b'`);
  expect(items).toEqual({ A: String.raw`C:\a b` });
  expect(warnings).toContain("A was read as an older heroku writes it");
});

test("a value that Vercel withholds does not replace the vault's", async () => {
  const { items, warnings } = await read("vercel", 'A="[SENSITIVE]"\nB="1"\n');
  expect(items).toEqual({ B: "1" });
  expect(warnings).toContain("stdin: line 1: A is left out: Vercel never exports the value of a sensitive variable");
});
