import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collect, text } from "../contract/fixture.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, openAt, ToldServer } from "./fixture.ts";

const CHUNK = 64 * 1024;

let server: StrictS3;
beforeAll(async () => {
  server = await startStrictS3();
});
afterAll(() => server.close());

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7])(
  "%i bytes come back, with any length in the answer",
  async (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
    const store = openAt(server, { prefix: `length-${length}/` });
    await store.create("it", bytes);
    const chunked = { kind: "drip", bytes: CHUNK / 4, ms: 0 } as const;
    for (const maxBytes of [length, length + 1, 10 * CHUNK]) {
      expect((await store.get("it", { maxBytes }))?.bytes).toEqual(bytes);
      server.faults.add({ method: "GET" }, chunked);
      expect((await store.get("it", { maxBytes }))?.bytes).toEqual(bytes);
    }
    for (const maxBytes of [0, Math.floor(length / 2), Math.max(0, length - 1)].filter((most) => most < length)) {
      expect((await store.get("it", { maxBytes }))?.bytes).toEqual(bytes.slice(0, maxBytes + 1));
    }
  },
);

test("an answer without a length grows its buffer", async () => {
  const body = "x".repeat(3 * CHUNK);
  const headers = { ETag: '"e"', "Transfer-Encoding": "chunked" };
  server.faults.add({ method: "GET" }, { kind: "answer", apply: false, status: 200, body, headers });
  const store = openAt(server);
  expect((await store.get("it", { maxBytes: 10 * CHUNK }))?.bytes).toEqual(new TextEncoder().encode(body));
});

const told = new ToldServer();
const proxied = openAt({ endpoint: "https://s3.example.com", region: "r" }, {}, { exchange: told.exchange });
const long = text("a manifest ".repeat(10_000));
const compressed = (bytes: Uint8Array, encoding = "gzip", compress = gzipSync) => {
  const body = compress(bytes);
  const headers = { etag: 'W/"e"', "content-encoding": encoding, "content-length": String(body.length) };
  return { headers, body: [body] };
};

test("nothing asks for compression, and a proxy that compresses is undone", async () => {
  for (const [encoding, compress] of [
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ] as const) {
    told.on("GET", compressed(long, encoding, compress));
    expect(await proxied.get("it", { maxBytes: long.length })).toEqual({ bytes: long, version: '"e"' });
    expect(await proxied.get("it", { maxBytes: 9 })).toMatchObject({ bytes: long.slice(0, 10) });
  }
  const page =
    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>repo/env/a</Key></Contents></ListBucketResult>";
  told.on("GET", compressed(text(page)));
  expect(await collect(proxied.list(""))).toEqual(["a"]);
  told.on("HEAD", { headers: { etag: '"e"', "content-encoding": "gzip" } });
  expect(await proxied.head("it")).toBe('"e"');
  told.on("PUT", { headers: { etag: '"e"', "content-encoding": "gzip", "content-length": "0" } });
  expect(await proxied.create("it", long)).toBe('"e"');
  expect(new Set(told.sent.map(({ headers }) => headers["accept-encoding"]))).toEqual(new Set(["identity"]));
});

test("an answer without a body is taken as it is, whatever encoding a proxy names", async () => {
  const headers = { etag: '"e"', "content-encoding": "gzip" };
  told.on("PUT", { headers });
  expect(await proxied.create("it", long)).toBe('"e"');
  told.on("DELETE", { status: 204, headers });
  await proxied.delete("it");
  told.on("GET", { status: 304, headers });
  expect(await proxied.get("it", { maxBytes: 9, unless: '"e"' })).toMatchObject({ version: '"e"' });
  expect(told.sent.slice(-3).map(({ method }) => method)).toEqual(["PUT", "DELETE", "GET"]);
});

test("a compressed answer that breaks off or is damaged fails after five tries", async () => {
  const { headers, body } = compressed(long);
  for (const broken of [body.map((it) => it.subarray(0, 50)), [text("not compressed")]]) {
    told.reset();
    told.on("GET", { headers, body: broken });
    expect((await failureOf(proxied.get("it", { maxBytes: long.length }))).message).toContain("the request failed (Z_");
    expect(told.count()).toBe(5);
  }
});

test("an encoding that belongs to the object is left alone", async () => {
  told.on("GET", { headers: { etag: '"e"', "content-encoding": "aws-chunked" }, body: "bytes" });
  expect((await proxied.get("it", { maxBytes: 9 }))?.bytes).toEqual(text("bytes"));
});
