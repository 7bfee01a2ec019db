import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { signatureHolds, signedAdHoc } from "../../scripts/bun/macho-signature.ts";
import { fetchTarget } from "../../scripts/bun/targets.ts";
import { COMPILE_LIMIT_MS, compileFor, documented, megabytesOf } from "./compiled.ts";

process.stderr.write("the programs for macOS are not started: their signatures are looked at\n");

describe("the programs for macOS", { timeout: COMPILE_LIMIT_MS }, () => {
  test.each(["darwin-x64", "darwin-arm64"])(
    "%s has a signature that holds, and none once a byte is changed",
    async (it) => {
      await using made = await compileFor(it);
      const program = await readFile(made.program);
      expect(signatureHolds(program)).toBe(true);
      const { megabytes, seen } = await documented(it);
      expect(Math.abs((await megabytesOf(made.program)) - megabytes)).toBeLessThanOrEqual(1);
      expect(seen).toContain("not started");
      const middle = program.length >> 1;
      program[middle] = (program[middle] ?? 0) ^ 1;
      expect(signatureHolds(program)).toBe(false);
    },
  );

  test("signing an extended program again gives the bytes that bun signs", async () => {
    await using made = await compileFor("darwin-arm64");
    const program = await readFile(made.program);
    expect(digest(signedAdHoc(program, "a.out"))).toBe(digest(program));
  });

  test("the signature of bun's makers verifies", async () => {
    const { bun } = await fetchTarget("darwin-x64");
    expect(signatureHolds(await readFile(bun))).toBe(true);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
