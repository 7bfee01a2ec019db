import { expect, test } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import { measureClockSkewMs } from "../../src/s3/checks.ts";
import { startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, locationAt } from "./fixture.ts";

const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const options = { clock: { nowMs: () => NOW }, timeoutMs: 10_000 };

test.each([0, 90_000, -7_200_000])(
  "a server that is %i ms ahead: so says the answer to one request without credentials",
  async (aheadMs) => {
    const server = await startStrictS3({ nowMs: () => NOW + aheadMs });
    try {
      expect(await measureClockSkewMs(locationAt(server), options)).toBe(aheadMs);
      expect(server.log.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    } finally {
      await server.close();
    }
  },
);

test("a server whose name does not resolve is unreachable, and the error names it", async () => {
  const location = locationAt({ endpoint: "http://vsync-test.invalid", region: "us-east-1" });
  const error = await failureOf(measureClockSkewMs(location, options));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.message).toMatch(
    /^cannot reach s3:\/\/strict\/repo\/env\/: the name vsync-test\.invalid does not resolve/,
  );
});

test("a hanging server is unreachable at the deadline", async () => {
  const server = await startStrictS3();
  server.faults.add({}, { kind: "hang", apply: false });
  try {
    const error = await failureOf(measureClockSkewMs(locationAt(server), { ...options, timeoutMs: 200 }));
    expect(error).toBeInstanceOf(S3UnreachableError);
  } finally {
    await server.close();
  }
});
