import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const PROGRAM = join(import.meta.dirname, "../../bin/run.js");

/** Runs the program under this Node.js, which pretends to be `version`. */
function runUnder(version: string): { stdout: string; stderr: string; status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), "vsync-node-version-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pretence = join(folder, "pretence.cjs");
  const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`;
  writeFileSync(pretence, `Object.defineProperty(process, "versions", { value: ${versions} });`);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--require", pretence, PROGRAM, "--version"], {
    encoding: "utf8",
  });
  return { stdout, stderr, status };
}

test("an older Node.js gets a message, and nothing runs", () => {
  expect(runUnder("20.20.0")).toEqual({
    stdout: "",
    stderr:
      "vsync: error: vsync needs Node.js 22.22.2 or newer, and this is 20.20.0\n" +
      "vsync: hint: install a newer Node.js, or the binary, which needs none (docs/install.md)\n",
    status: 1,
  });
});

test.each(["22.22.2", "24.15.0", "26.0.0"])("Node.js %s is accepted", (version) => {
  expect(runUnder(version)).toMatchObject({ stdout: expect.stringMatching(/^vsync\//), stderr: "", status: 0 });
});
