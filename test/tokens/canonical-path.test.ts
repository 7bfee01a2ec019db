import { expect, test } from "vitest";
import { isCanonicalPath } from "../../src/tokens/canonical-path.ts";

test.each([
  "/",
  "/v1/jobs/7",
  "/a.b/...",
  "/a/.b/b..",
  "/-._~!$&'()*+,=:@",
  "/caf%C3%A9",
  "/%20%22%3C%5B%7C",
  `/${"a".repeat(2047)}`,
])("%s is canonical", (path) => expect(isCanonicalPath(path)).toBe(true));

/** Paths that have another spelling which some server treats as the same. */
test.each([
  ["without a slash in front", "v1"],
  ["empty", ""],
  ["longer than 2048 bytes", `/${"a".repeat(2048)}`],
  ["with two slashes", "/a//b"],
  ["with a dot segment", "/a/./b"],
  ["with a dot segment at the end", "/a/."],
  ["with two dots", "/a/../b"],
  ["with two dots at the end", "/a/.."],
  ["with a parameter", "/a;x"],
  ["with a backslash", "/a\\b"],
  ["with a space", "/a b"],
  ["with a fragment", "/a#b"],
  ["with a query", "/a?b"],
  ["with letters beyond ASCII", "/caf\u00e9"],
  ["encoded in lower case", "/caf%c3%a9"],
  ["with a lone percent sign", "/100%"],
  ...["2D", "2E", "30", "39", "41", "4F", "5A", "5F", "61", "6F", "7A", "7E"].map((hex) => [
    "an unreserved one encoded",
    `/a%${hex}`,
  ]),
  ...["00", "09", "0A", "0D", "1F", "7F"].map((hex) => ["a control character", `/a%${hex}`]),
  ...["2F", "5C", "25", "3B", "3F", "23"].map((hex) => ["what separates, encoded", `/a%${hex}b`]),
  ["a control character of two bytes", "/a%C2%85"],
  ["bytes that are not UTF-8", "/a%FF"],
  ["an overlong slash", "/a%C0%AF"],
  ["a letter that NFKC changes", "/%EF%BC%A1dmin"],
  ["an accent of its own", "/cafe%CC%81"],
])("%s: %s is not", (_, path) => expect(isCanonicalPath(path ?? "")).toBe(false));
