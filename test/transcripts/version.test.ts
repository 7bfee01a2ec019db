import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import pjson from "../../package.json" with { type: "json" };
import { openSandbox } from "../support/program/sandbox.ts";

test("--version says the version, and the commit that was built where git knows", async () => {
  await using sandbox = await openSandbox();
  const { stdout, ...rest } = await sandbox.run(["--version"]);
  expect(rest).toEqual({ stderr: "", exitCode: 0 });
  expect(stdout.replace(/ \([0-9a-f]{12}(-dirty)?\)/, "")).toBe(`vsync/${pjson.version}\n`);
  expect(stdout.includes("(")).toBe(isGitHere());
});

function isGitHere(): boolean {
  try {
    execFileSync("git", ["rev-parse", "HEAD"], { stdio: "ignore", cwd: import.meta.dirname });
    return true;
  } catch {
    return false;
  }
}
