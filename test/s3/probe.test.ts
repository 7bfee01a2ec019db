import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, inject, test } from "vitest";
import { AccessDeniedError, S3UnreachableError } from "../../src/errors.ts";
import { probeStore } from "../../src/s3/probe.ts";
import { keysOf } from "../contract/fixture.ts";
import { createBucket } from "../support/ceph/target.ts";
import { ROOT, type StrictS3, type StrictS3Options, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, openAt } from "./fixture.ts";

const random = { bytes: (length: number) => randomBytes(length) };

let server: StrictS3 | undefined;
afterEach(() => server?.close());

async function start(options: StrictS3Options = {}): Promise<StrictS3> {
  server = await startStrictS3(options);
  return server;
}

test("the strict server passes and stays unchanged", async () => {
  const { endpoint, region, buckets, log } = await start();
  expect(await probeStore(openAt({ endpoint, region }), { random })).toEqual({ failed: null, leftover: [] });
  expect(buckets.get("strict")?.size).toBe(0);
  const isListing = (query: string): boolean => query.includes("list-type=2");
  for (const { key, query } of log) {
    if (!isListing(query)) expect(key).toMatch(/^repo\/env\/probe-[0-9a-f]{16}\/(single|raced)$/);
  }
  expect(log.filter(({ query }) => isListing(query))).toHaveLength(1);
});

test("a server whose If-Match does not accept quotes passes", async () => {
  const store = openAt(await start({ unquotedIfMatch: true }));
  expect(await probeStore(store, { random })).toEqual({ failed: null, leftover: [] });
});

test("a server that ignores preconditions fails and stays unchanged", async () => {
  const running = await start({ ignores: ["if-match", "if-none-match"] });
  expect(await probeStore(openAt(running), { random })).toEqual({ failed: "create-only", leftover: [] });
  expect(running.buckets.get("strict")?.size).toBe(0);
});

describe("a proxy in front of a server", () => {
  test("that weakens ETags passes", async () => {
    const proxiedEtag = (etag: string, method: string) => (method === "PUT" ? etag : `W/${etag}`);
    const store = openAt(await start({ proxiedEtag }));
    expect(await probeStore(store, { random })).toEqual({ failed: null, leftover: [] });
  });

  test("that puts its own ETags into the answers to reads fails", async () => {
    const proxiedEtag = (etag: string, method: string) => (method === "PUT" ? etag : etag.replace(/"$/, '-gzip"'));
    const store = openAt(await start({ proxiedEtag }));
    expect(await probeStore(store, { random })).toEqual({ failed: "replace", leftover: [] });
  });

  test("that answers listings from a cache fails", async () => {
    const running = await start();
    const body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    running.faults.add({ method: "GET", key: "" }, { kind: "answer", apply: false, status: 200, body });
    expect(await probeStore(openAt(running), { random })).toEqual({ failed: "listing", leftover: [] });
  });
});

test("a bucket whose Object Lock wants a digest passes", async () => {
  const store = openAt(await start({ wantsDigest: true }));
  expect(await probeStore(store, { random })).toEqual({ failed: null, leftover: [] });
});

describe("a server that keeps only some preconditions", () => {
  test("ignores If-Match", async () => {
    expect(await probeStore(openAt(await start({ ignores: ["if-match"] })), { random })).toMatchObject({
      failed: "stale-replace",
    });
  });

  test("refuses every If-Match", async () => {
    const running = await start();
    const refusal = { kind: "answer", apply: false, status: 412, code: "PreconditionFailed" } as const;
    // The first PUT to `single` creates, the second must not, the third is the replacement in two spellings.
    running.faults.add({ method: "PUT" }, { kind: "delay", ms: 0 }, 2);
    running.faults.add({ method: "PUT" }, refusal, 2);
    expect(await probeStore(openAt(running), { random })).toMatchObject({ failed: "replace" });
  });

  test.each([
    ["if-none-match", "create-race"],
    ["if-match", "replace-race"],
  ] as const)("not %s in a race", async (precondition, failed) => {
    const running = await start({ isBlindTo: precondition });
    expect(await probeStore(openAt(running), { random })).toEqual({ failed, leftover: [] });
    expect(running.buckets.get("strict")?.size).toBe(0);
  });
});

test("names a server without If-Match, which stays unchanged", async () => {
  const running = await start();
  running.faults.add({ method: "PUT" }, { kind: "delay", ms: 0 }, 2);
  running.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 501, code: "NotImplemented" });
  const error = await failureOf(probeStore(openAt(running), { random }));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.hint).toBe("use a store with conditional writes");
  expect(running.buckets.get("strict")?.size).toBe(0);
});

test("without permission to delete, the error names the leftovers", async () => {
  const actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] as const;
  const writer = { ...ROOT, grants: [{ actions }] };
  const running = await start({ users: [writer] });
  const { failed, leftover } = await probeStore(openAt(running), { random });
  expect(failed).toBeNull();
  expect(leftover.map((key) => `repo/env/${key}`).toSorted()).toEqual(
    [...(running.buckets.get("strict")?.keys() ?? [])].toSorted(),
  );
});

test("without permission to write, the error says so", async () => {
  const reader = { ...ROOT, grants: [{ actions: ["s3:GetObject" as const] }] };
  const error = await failureOf(probeStore(openAt(await start({ users: [reader] })), { random }));
  expect(error).toBeInstanceOf(AccessDeniedError);
});

const target = inject("s3");
test.skipIf(target === null)("a real S3 server passes and stays unchanged", async () => {
  const real = target ?? expect.unreachable("no server");
  const bucket = await createBucket(real, `vsync-probe-${randomBytes(4).toString("hex")}`);
  const store = openAt(real, { bucket, keys: real, prefix: `${randomBytes(4).toString("hex")}/` });
  expect(await probeStore(store, { random })).toEqual({ failed: null, leftover: [] });
  expect(await keysOf(store)).toEqual([]);
});
