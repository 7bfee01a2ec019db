import { describe, expect, test } from "vitest";
import { endpointFault, prefixFault } from "../../src/blob/location.ts";
import { isRecord, knownFields, tokenFault } from "../../src/blob/token.ts";

const TOKEN = {
  v: 1,
  endpoint: "https://s3.example.com",
  region: "eu-central-1",
  bucket: "secrets",
  accessKeyId: "AKIA",
  secretAccessKey: "secret",
  prefix: "api/prod/",
  env: "prod",
  salt: "AAEC",
  iterations: 1,
} as const;
const { accessKeyId: _id, secretAccessKey: _key, ...KEYLESS } = TOKEN;

test.each<[object, string | null]>([
  [{}, null],
  [{ sessionToken: "t", kdf: "argon2id", memoryKiB: 1, parallelism: 1, vault: "v", minGen: 0 }, null],
  [{ iterations: Number.MAX_SAFE_INTEGER, minGen: Number.MAX_SAFE_INTEGER }, null],
  [{ sessionToken: undefined, credentials: undefined }, null],
  [{ region: undefined }, "region is missing"],
  [{ accessKeyId: undefined }, "accessKeyId is missing"],
  [{ secretAccessKey: undefined }, "secretAccessKey is missing"],
  [{ endpoint: undefined, salt: undefined }, "endpoint is missing"],
  [{ v: 2 }, "v must be 1"],
  [{ v: "1" }, "v must be 1"],
  [{ region: 1 }, "region must be a string"],
  [{ sessionToken: null }, "sessionToken must be a string"],
  [{ endpoint: 1 }, "endpoint must be a string"],
  [{ endpoint: "ftp://x" }, "endpoint must start with https://, http:// or file:///"],
  [{ prefix: "api" }, "prefix must end in /"],
  [{ salt: "AAE" }, "salt must be base64"],
  [{ salt: "_-8=" }, "salt must be base64"],
  [{ iterations: 0 }, "iterations must be an integer ≥ 1"],
  [{ iterations: 1.5 }, "iterations must be an integer ≥ 1"],
  [{ iterations: "1" }, "iterations must be an integer ≥ 1"],
  [{ iterations: 2 ** 53 }, "iterations must be an integer ≥ 1"],
  [{ memoryKiB: 0 }, "memoryKiB must be an integer ≥ 1"],
  [{ parallelism: 0 }, "parallelism must be an integer ≥ 1"],
  [{ minGen: -1 }, "minGen must be an integer ≥ 0"],
  [{ kdf: "scrypt" }, 'kdf must be "argon2id"'],
  [{ credentials: "chain" }, 'credentials must be "ambient"'],
  [{ credentials: "ambient" }, "accessKeyId must be absent beside ambient credentials"],
  [{ credentials: "ambient", accessKeyId: undefined }, "secretAccessKey must be absent beside ambient credentials"],
  [
    { credentials: "ambient", accessKeyId: undefined, secretAccessKey: undefined, sessionToken: "t" },
    "sessionToken must be absent beside ambient credentials",
  ],
])("with %j: %s", (changes, fault) => {
  expect(tokenFault({ ...TOKEN, ...changes })).toBe(fault);
});

test("ambient credentials come without keys", () => {
  expect(tokenFault({ ...KEYLESS, credentials: "ambient" })).toBeNull();
  expect(tokenFault(KEYLESS)).toBe("accessKeyId is missing");
});

test("fields that the format does not name are dropped, and inherited ones are none", () => {
  const given: Record<string, unknown> = Object.assign(Object.create({ vault: "inherited" }), { ...TOKEN, extra: 1 });
  expect(knownFields(given)).toEqual(TOKEN);
});

test.each([
  [{}, true],
  [{ a: 1 }, true],
  [null, false],
  [[], false],
  ["text", false],
  [1, false],
  [undefined, false],
])("%j is a record: %s", (value, is) => {
  expect(isRecord(value)).toBe(is);
});

describe("a prefix", () => {
  test.each([
    ["api/prod/", null],
    ["a/", null],
    [".../..a/", null],
    ["api", "must end in /"],
    ["", "must end in /"],
    ["/", "must not have an empty segment"],
    ["/api/", "must not have an empty segment"],
    ["api//prod/", "must not have an empty segment"],
    ["./", "must not have a segment ."],
    ["api/../prod/", "must not have a segment .."],
  ])("%j: %s", (prefix, fault) => {
    expect(prefixFault(prefix)).toBe(fault);
  });
});

describe("an endpoint", () => {
  const start = "must start with https://, http:// or file:///";
  test.each([
    ["https://s3.example.com", null],
    ["http://[::1]:9000", null],
    ["https://h/base", null],
    ["file:///srv", null],
    ["", start],
    ["s3.example.com", start],
    [" https://s3.example.com", start],
    ["ftp://https://s3.example.com", start],
    ["https://", start],
    ["https:///x", start],
    ["file:///", start],
    ["file://host/x", start],
    ["https://s3.example.com/", "must not end in /"],
    ["file:///srv/", "must not end in /"],
    ["https://s3.example.com:port", "is not a URL"],
  ])("%j: %s", (endpoint, fault) => {
    expect(endpointFault(endpoint)).toBe(fault);
  });
});
