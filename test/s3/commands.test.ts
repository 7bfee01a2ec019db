import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { S3UnreachableError } from "../../src/errors.ts";
import { collect, text } from "../contract/fixture.ts";
import { failureOf, openAt, ToldServer } from "./fixture.ts";

const s3 = mockClient(S3Client);
const told = new ToldServer();
beforeEach(() => {
  s3.reset();
  told.reset();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => s3.restore());

const place = { endpoint: "https://s3.example.com", region: "eu-west-1" };
const store = openAt(place, {}, { exchange: told.exchange });
const at = (key: string) => ({ Bucket: "strict", Key: `repo/env/${key}` });
const sent = () => s3.calls().map(({ args: [{ constructor, input }] }) => [constructor.name, input]);

test("create: only if the object is missing", async () => {
  s3.on(PutObjectCommand).resolves({ ETag: 'W/"etag"' });
  expect(await store.create("v=1", text("bytes"))).toBe('"etag"');
  expect(sent()).toEqual([["PutObjectCommand", { ...at("v=1"), Body: text("bytes"), IfNoneMatch: "*" }]]);
});

test("replace: only at the version, spelled as received", async () => {
  s3.on(PutObjectCommand).resolves({ ETag: '"new"' });
  expect(await store.replace("manifest", text("bytes"), '"old"')).toBe('"new"');
  expect(sent()).toEqual([["PutObjectCommand", { ...at("manifest"), Body: text("bytes"), IfMatch: '"old"' }]]);
});

test("list: from the last key on", async () => {
  s3.on(ListObjectsV2Command)
    .resolvesOnce({ Contents: [{ Key: "repo/env/audit/1" }, { Key: "repo/env/audit/2" }], IsTruncated: true })
    .resolvesOnce({ Contents: [{ Key: "repo/env/audit/3" }], IsTruncated: false });
  expect(await collect(store.list("audit/", { startAfter: "audit/0" }))).toEqual(["audit/1", "audit/2", "audit/3"]);
  const common = { Bucket: "strict", Prefix: "repo/env/audit/", EncodingType: "url" };
  expect(sent()).toEqual([
    ["ListObjectsV2Command", { ...common, StartAfter: "repo/env/audit/0" }],
    ["ListObjectsV2Command", { ...common, StartAfter: "repo/env/audit/2" }],
  ]);
});

test("delete", async () => {
  s3.on(DeleteObjectCommand).resolves({});
  await store.delete("v=1");
  expect(sent()).toEqual([["DeleteObjectCommand", at("v=1")]]);
});

test("reads go without a command", async () => {
  for (const method of ["GET", "HEAD"] as const) told.on(method, { headers: { etag: '"etag"' } });
  await store.head("manifest");
  await store.get("manifest", { maxBytes: 1 });
  expect([sent(), told.count()]).toEqual([[], 2]);
});

test("each try has a client of its own, and each client tries once", async () => {
  s3.on(DeleteObjectCommand).rejects(Object.assign(new Error("lost"), { code: "ECONNRESET" }));
  expect(await failureOf(store.delete("v=1"))).toBeInstanceOf(S3UnreachableError);
  const clients = s3.calls().map(({ thisValue }) => thisValue as S3Client);
  expect(new Set(clients).size).toBe(5);
  for (const { config } of clients) expect(await config.maxAttempts()).toBe(1);
});

test.each([
  ["Content-MD5, and refuses checksums", "content-md5", /^x-amz-checksum-/],
  ["a checksum, and does not count Content-MD5", "x-amz-checksum-sha256", /^none/],
])("a server that requires %s", async (_, required, refused) => {
  s3.restore();
  told.on("PUT", ({ headers }) => {
    const said = (Message: string) => ({ status: 400, Code: "InvalidRequest", fields: { Message } });
    const bad = Object.keys(headers).find((name) => refused.test(name));
    if (bad !== undefined) return said(`Unsupported header '${bad}' received for this API call.`);
    return required in headers ? { headers: { etag: '"etag"' } } : said(`Missing required header: ${required}`);
  });
  const careful = openAt(place, {}, { exchange: told.exchange });
  expect(await careful.create("v=1", text("bytes"))).toBe('"etag"');
  const tries = told.count();
  expect(await careful.create("v=2", text("bytes"))).toBe('"etag"');
  expect(told.count()).toBe(tries + 1);
});

test("no variable and no file of AWS's changes a request", async () => {
  s3.restore();
  const variables = {
    AWS_CONFIG_FILE: "/proc/self/mem",
    AWS_DEFAULTS_MODE: "x",
    AWS_ENDPOINT_URL_S3: "https://elsewhere.example.com",
    AWS_MAX_ATTEMPTS: "x",
    AWS_REGION: "us-west-2",
    AWS_REQUEST_CHECKSUM_CALCULATION: "WHEN_SUPPORTED",
    AWS_RETRY_MODE: "x",
    AWS_S3_USE_ARN_REGION: "x",
    AWS_SDK_UA_APP_ID: "other",
    AWS_USE_DUALSTACK_ENDPOINT: "true",
    AWS_USE_FIPS_ENDPOINT: "true",
  };
  told.on("PUT", { headers: { etag: '"etag"' } });
  const headersOf = async () => {
    await openAt(place, {}, { exchange: told.exchange, clock: { nowMs: () => 0 } }).create("v=1", text("bytes"));
    const { authorization, "amz-sdk-invocation-id": _, ...headers } = told.sent.at(-1)?.headers ?? {};
    expect(authorization).toContain("/19700101/eu-west-1/s3/");
    return headers;
  };
  const usual = await headersOf();
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  expect(await headersOf()).toEqual(usual);
  expect(told.sent.map(({ url }) => url.host)).toEqual(["s3.example.com", "s3.example.com"]);
});
