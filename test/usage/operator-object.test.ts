import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { MAX_OPERATOR_OBJECT_BYTES, sealOperatorObject } from "../../src/usage/operator-object.ts";

test("an object that would be too large to read again is not written, because it would replace its batches", () => {
  const pair = { public: Buffer.alloc(32, 9).toString("base64"), private: Buffer.alloc(32, 1).toString("base64") };
  const content = { lines: [randomBytes(MAX_OPERATOR_OBJECT_BYTES).toString("base64")] };
  const seal = () =>
    sealOperatorObject({ vault: "v", keys: [pair] }, "usage/days/2026-01-01", { by: "ann@vm", at: "" }, content);
  expect(seal).toThrow("usage/days/2026-01-01 would be larger than vsync reads");
});
