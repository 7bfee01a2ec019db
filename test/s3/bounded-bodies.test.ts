import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { collect, text } from "../contract/fixture.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, openAt } from "./fixture.ts";

let server: StrictS3;
let store: ObjectStore;
beforeAll(async () => {
  server = await startStrictS3();
  store = openAt(server);
});
afterAll(() => server.close());
beforeEach(() => {
  server.faults.clear();
  server.log.length = 0;
});

const calls: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ["get", (it) => it.get("manifest", { maxBytes: 100 })],
  ["list", (it) => collect(it.list(""))],
  ["delete", (it) => it.delete("manifest")],
];

test.each(calls)("%s: an endless error body counts by its status alone", async (_, call) => {
  server.faults.add({}, { kind: "endless", status: 500, start: "<Error><Code>InternalError</Code>" }, 100);
  const error = await failureOf(call(store));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.message).toMatch(/ answered 500$/);
  expect(server.log).toHaveLength(5);
});

test("an error body of 64 KiB is read, a longer one is not", async () => {
  const body = "<Error><Code>InvalidAccessKeyId</Code></Error>";
  const padded = (bytes: number) => ({ kind: "answer", apply: false, status: 403, body: body.padEnd(bytes) }) as const;
  server.faults.add({}, padded(65_536));
  server.faults.add({}, padded(65_537));
  const said = async () => (await failureOf(store.get("manifest", { maxBytes: 100 }))).message.replace(/^.*: /, "");
  expect(await said()).toBe("the server does not know the access key");
  expect(await said()).toBe("access denied");
});

test("a page of a listing may have 2 MiB and not a byte more", async () => {
  const page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
  const padded = (bytes: number) => ({ kind: "answer", apply: false, status: 200, body: page.padEnd(bytes) }) as const;
  server.faults.add({}, padded(2 * 1024 * 1024));
  expect(await collect(store.list(""))).toEqual([]);
  server.faults.add({}, padded(2 * 1024 * 1024 + 1));
  const error = await failureOf(collect(store.list("")));
  expect(error).toBeInstanceOf(S3UnreachableError);
  expect(error.message).toMatch(/^cannot list .*: 127\.0\.0\.1:\d+ answered with more than 2097152 bytes$/);
  server.faults.add({}, { kind: "endless", status: 200, start: page });
  expect((await failureOf(collect(store.list("")))).message).toMatch(/ answered with more than 2097152 bytes$/);
  expect(server.log).toHaveLength(3);
});

test("an endless answer to a write leaves its outcome open", async () => {
  server.faults.add({ method: "PUT" }, { kind: "endless", status: 200, start: "<Error>" });
  // Reading the object back settles whether the write took effect.
  await store.create("manifest", text("bytes"));
  expect(server.log.map(({ method }) => method)).toEqual(["PUT", "GET"]);
});
