import { describe, expect, test } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { expectationOf, passphraseHintOf } from "../../src/stores/token.ts";

const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** The fields that every writer sets. */
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

describe("a token tells its reader before the manifest arrives", () => {
  test("the required fields alone give the env and no cost to derive", () => {
    expect(expectationOf(CONTRACT)).toEqual({ env: "prod" });
  });

  test("all fields give vault, rollback floor and cost", () => {
    const token = { ...CONTRACT, ...COST, vault: "AAAAAAAAAAAAAAAAAAAAAA", minGen: 7 };
    const cost = passphraseHintOf(token)?.cost;
    expect(expectationOf(token)).toEqual({ env: "prod", vault: "AAAAAAAAAAAAAAAAAAAAAA", minGen: 7 });
    expect({ ...cost, salt: [...(cost?.salt ?? [])] }).toEqual({ salt: [...SALT], iterations: 3, ...COST });
  });

  test("a floor of 0 is a floor", () => {
    expect(expectationOf({ ...CONTRACT, minGen: 0 })).toEqual({ env: "prod", minGen: 0 });
  });

  test.each([{ memoryKiB: 65536 }, { parallelism: 4 }])("%j alone starts no derivation", (half) => {
    expect(passphraseHintOf({ ...CONTRACT, ...half })).toBeUndefined();
  });
});
