import { describe, expect, test } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { expectationOf } from "../../src/stores/expectation.ts";

const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** What every writer puts into a token. */
const CONTRACT: RuntimeToken = {
  v: 1,
  endpoint: "https://s3.example.org",
  region: "eu-1",
  bucket: "secrets",
  credentials: "ambient",
  prefix: "api/prod/",
  env: "prod",
  salt: Buffer.from(SALT).toString("base64"),
  iterations: 3,
};
const COST = { memoryKiB: 65536, parallelism: 4 };

describe("what a token lets its reader know before the manifest is there", () => {
  test("of the documented fields alone: the env, and nothing that can be derived", () => {
    expect(expectationOf(CONTRACT)).toEqual({ env: "prod" });
  });

  test("with all fields: vault, rollback floor, and the whole cost", () => {
    const expectation = expectationOf({ ...CONTRACT, ...COST, vault: "AAAAAAAAAAAAAAAAAAAAAA", minGen: 7 });
    expect({ ...expectation, hint: { ...expectation.hint, salt: [...(expectation.hint?.salt ?? [])] } }).toEqual({
      env: "prod",
      vault: "AAAAAAAAAAAAAAAAAAAAAA",
      minGen: 7,
      hint: { salt: [...SALT], iterations: 3, ...COST },
    });
  });

  test("a floor of 0 is a floor", () => {
    expect(expectationOf({ ...CONTRACT, minGen: 0 })).toEqual({ env: "prod", minGen: 0 });
  });

  test.each([{ memoryKiB: 65536 }, { parallelism: 4 }])("of %j alone no derivation is begun", (half) => {
    expect(expectationOf({ ...CONTRACT, ...half })).not.toHaveProperty("hint");
  });
});
