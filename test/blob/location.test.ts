import { describe, expect, test } from "vitest";
import { endpointFault, prefixFault } from "../../src/blob/location.ts";

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
