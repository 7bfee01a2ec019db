import { expect, test } from "vitest";
import { closing } from "../../../src/backend/node/refuse.ts";

const CHUNKED = { "transfer-encoding": "chunked" };
const sized = (bytes: number) => ({ "content-length": String(bytes) });

test.each([
  ["in chunks", {}, CHUNKED, true],
  ["of over 64 KiB", {}, sized(65_537), true],
  ["of 64 KiB", {}, sized(65_536), false],
  ["that is empty", {}, {}, false],
  ["that is here already", { complete: true }, CHUNKED, false],
  ["over HTTP/2, whose connection serves others", { httpVersionMajor: 2 }, sized(65_537), false],
])("a refused body %s: %j", (_, more, headers, closes) => {
  const request = { httpVersionMajor: 1, complete: false, headers, ...more };
  expect(closing(request as unknown as Parameters<typeof closing>[0])).toEqual(closes ? { connection: "close" } : {});
});
