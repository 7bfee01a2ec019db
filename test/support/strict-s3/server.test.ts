/** @module-tag process */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keysOf, text } from "../../contract/fixture.ts";
import { openAt } from "../../s3/fixture.ts";
import { adminClient, type S3Target } from "../ceph/target.ts";
import { COMPILE_CACHE } from "../compile-cache.ts";
import { ROOT, type StrictS3, startStrictS3 } from "./server.ts";

// Properties that the suite relies on and whose absence our own client would not notice.

let server: StrictS3;
let target: S3Target;
let client: S3Client;
beforeAll(async () => {
  server = await startStrictS3();
  target = { name: "strict", endpoint: server.endpoint, region: server.region, ...ROOT };
  client = adminClient(target);
});
afterAll(() => server.close());
beforeEach(() => server.buckets.get("strict")?.clear());

/** Sends a correctly signed PUT after `change` has tampered with it. */
function tampered(change: (request: { headers: Record<string, string>; path: string; body: unknown }) => void) {
  const command = new PutObjectCommand({ Bucket: "strict", Key: "key", Body: text("bytes") });
  const late = adminClient(target);
  late.middlewareStack.add(
    (next) => (args) => {
      change(args.request as never);
      return next(args);
    },
    { step: "finalizeRequest", priority: "low", name: "tamper" },
  );
  return late.send(command);
}

/** In the same minute, so only the signature can reveal it. */
function laterBySeconds(time: string): string {
  return time.replace(/(\d)(?=Z$)/, (digit) => String((Number(digit) + 1) % 10));
}

test("accepts a signed request without changes", async () => {
  await tampered(() => {});
  expect([...(server.buckets.get("strict")?.keys() ?? [])]).toEqual(["key"]);
});

test.each<[string, string, Parameters<typeof tampered>[0]]>([
  ["no signature", "AccessDenied", ({ headers }) => void delete headers["authorization"]],
  ["another key", "SignatureDoesNotMatch", (request) => void (request.path = "/strict/other")],
  ["another signed header", "SignatureDoesNotMatch", ({ headers }) => void (headers["x-amz-user-agent"] = "other")],
  ["a header slipped in", "AccessDenied", ({ headers }) => void (headers["x-amz-acl"] = "public-read")],
  ["another body", "XAmzContentSHA256Mismatch", (request) => void (request.body = text("BYTES"))],
  [
    "an unsigned body said to be signed otherwise",
    "SignatureDoesNotMatch",
    ({ headers }) => void (headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"),
  ],
  [
    "another time",
    "SignatureDoesNotMatch",
    ({ headers }) => void (headers["x-amz-date"] = laterBySeconds(headers["x-amz-date"] ?? "")),
  ],
  ["another day", "AuthorizationHeaderMalformed", ({ headers }) => void (headers["x-amz-date"] = "20200101T000000Z")],
])("%s: %s, nothing stored", async (_, code, change) => {
  await expect(tampered(change)).rejects.toMatchObject({ Code: code });
  expect(server.buckets.get("strict")?.size).toBe(0);
});

describe("pages", () => {
  test.each(["StartAfter", "ContinuationToken"] as const)("by %s", async (by) => {
    const store = openAt(server, { prefix: "" });
    const keys = ["a", "b c", "d/e", "f", "ü"];
    for (const key of keys) await store.create(key, text(key));
    const seen: (string | undefined)[] = [];
    let position: string | undefined;
    for (;;) {
      const from = position === undefined ? {} : { [by]: position };
      const page = await client.send(new ListObjectsV2Command({ Bucket: "strict", MaxKeys: 2, ...from }));
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
      position = by === "StartAfter" ? seen.at(-1) : page.NextContinuationToken;
      if (!page.IsTruncated) break;
    }
    expect(seen).toEqual(keys);
    expect(await keysOf(store)).toEqual(keys);
  });
});

test("a fault meets the matching requests, as often as told", async () => {
  const store = openAt(server, { prefix: "" });
  await store.create("one", text("1"));
  server.faults.add({ method: "GET", key: /^o/ }, { kind: "answer", apply: false, status: 418 }, 2);
  const get = (Key: string) => client.send(new GetObjectCommand({ Bucket: "strict", Key }));
  await expect(get("two")).rejects.toMatchObject({ Code: "NoSuchKey" });
  await expect(get("one")).rejects.toMatchObject({ $metadata: { httpStatusCode: 418 } });
  expect(server.faults.pending).toBe(1);
  await expect(get("one")).rejects.toMatchObject({ $metadata: { httpStatusCode: 418 } });
  expect((await get("one")).ETag).toBe('"c4ca4238a0b923820dcc509a6f75849b"');
});

test("as a program, prints its address and ends with its stdin", async () => {
  const program = fileURLToPath(new URL("./main.ts", import.meta.url));
  const child = spawn(process.execPath, [...COMPILE_CACHE, program]);
  const exit = once(child, "exit");
  try {
    const [line] = await once(child.stdout, "data");
    const { root, ...place } = JSON.parse(String(line));
    expect(await openAt(place, { keys: root }).create("key", text("bytes"))).toMatch(/^"[0-9a-f]{32}"$/);
  } finally {
    child.stdin.end();
  }
  expect((await exit)[0]).toBe(0);
});
