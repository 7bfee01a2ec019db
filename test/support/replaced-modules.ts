import { readFileSync } from "node:fs";
import { afterAll, expect, vi } from "vitest";

/* Test files share a worker and its modules. One that replaces modules needs those that import them loaded anew. */

const { testPath = "" } = expect.getState();
if (/\bvi\.(?:m|doM)ock\(/.test(readFileSync(testPath, "utf8"))) {
  vi.resetModules();
  afterAll(() => vi.resetModules());
}
