import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import { collect, text } from "../contract/fixture.ts";
import { failureOf, openAt, ToldServer } from "./fixture.ts";

const s3 = new ToldServer();
beforeEach(() => s3.reset());

const place = { endpoint: "https://s3.example.com", region: "eu-west-1" };
const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const AT = { clock: { nowMs: () => NOW }, exchange: s3.exchange };
const store = openAt(place, {}, AT);
const BASE = "https://s3.example.com/strict/repo/env/";

const sent = () => s3.sent.map(({ method, url }) => `${method} ${url.href}`);

const listing = (keys: readonly string[], isTruncated = false, rest = "") =>
  `<ListBucketResult>${rest}<IsTruncated>${isTruncated}</IsTruncated>${keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}</ListBucketResult>`;

describe("requests", () => {
  test("head", async () => {
    s3.on("HEAD", { headers: { etag: '"etag"' } });
    expect(await store.head("manifest")).toBe('"etag"');
    expect(sent()).toEqual([`HEAD ${BASE}manifest`]);
  });

  test("get", async () => {
    s3.on("GET", { headers: { etag: '"etag"', "content-length": "5" }, body: "bytes" });
    expect(await store.get("manifest", { maxBytes: 5 })).toEqual({ bytes: text("bytes"), version: '"etag"' });
    expect(sent()).toEqual([`GET ${BASE}manifest`]);
  });

  test("get: frees the pieces in which the bytes came", async () => {
    const pieces = ["by", "tes"].map((piece) => new TextEncoder().encode(piece));
    s3.on("GET", { headers: { etag: '"etag"', "content-length": "5" }, body: pieces });
    expect((await store.get("manifest", { maxBytes: 5 }))?.bytes).toEqual(text("bytes"));
    expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0]);
  });

  test("get: a dated answer says how far the server's clock is ahead, to the second", async () => {
    s3.on("GET", { headers: { etag: '"etag"', date: "Fri, 02 Jan 2026 03:14:06 GMT" }, body: "" });
    expect(await store.get("manifest", { maxBytes: 5 })).toMatchObject({ skewMs: 601_000 });
  });

  test("sign at the clock's time, add no checksum, and name the program", async () => {
    s3.on("PUT", { headers: { etag: '"etag"' } });
    await store.create("v=1", text("bytes"));
    const headers = s3.sent[0]?.headers ?? {};
    expect(headers["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=ROOTKEY\/20260102\/eu-west-1\/s3\/aws4_request, /,
    );
    expect(headers["x-amz-date"]).toBe("20260102T030405Z");
    expect(headers["user-agent"]).toBe("vsync");
    expect(Object.keys(headers).filter((name) => /md5|checksum/.test(name))).toEqual([]);
  });

  test("do not show the secret key", () => {
    expect(JSON.stringify(store)).not.toContain("root/secret+key");
    expect(store.label).toBe("s3://strict/repo/env/");
  });
});

describe("a store that wants a digest of the body", () => {
  const WANTED = {
    status: 400,
    Code: "InvalidRequest",
    fields: { Message: "Content-MD5 OR x-amz-checksum- is required" },
  };

  test("gets it from then on, and a store that does not never gets one", async () => {
    s3.on("PUT", ({ headers }) => (headers["content-md5"] ? { headers: { etag: '"etag"' } } : WANTED));
    const careful = openAt(place, {}, AT);
    await careful.create("v=1", text("bytes"));
    await careful.create("v=2", text("bytes"));
    const digests = s3.sent.map(({ headers }) => [headers["content-md5"], headers["x-amz-checksum-sha256"]]);
    const md5 = [createHash("md5").update("bytes").digest("base64"), undefined];
    expect(digests).toEqual([[undefined, undefined], md5, md5]);
  });

  test("that refuses even so is quoted in the error", async () => {
    s3.on("PUT", WANTED);
    const { message } = await failureOf(openAt(place, {}, AT).create("v=1", text("bytes")));
    expect(message).toMatch(/ answered 400 InvalidRequest: Content-MD5 OR x-amz-checksum- is required$/);
    expect(s3.count("PUT")).toBe(3);
  });
});

describe("the address", () => {
  test.each([
    ["https://s3.example.com", "strict", "https://s3.example.com/strict/repo/env/m"],
    ["http://127.0.0.1:9000", "strict", "http://127.0.0.1:9000/strict/repo/env/m"],
    ["https://gateway.example.com/s3", "strict", "https://gateway.example.com/s3/strict/repo/env/m"],
    [
      "https://account.r2.cloudflarestorage.com",
      "strict",
      "https://account.r2.cloudflarestorage.com/strict/repo/env/m",
    ],
    ["https://amazonaws.com.example.org", "strict", "https://amazonaws.com.example.org/strict/repo/env/m"],
    ["https://myamazonaws.com", "strict", "https://myamazonaws.com/strict/repo/env/m"],
    ["https://s3.amazonaws.com", "strict", "https://strict.s3.amazonaws.com/repo/env/m"],
    ["https://s3.eu-west-1.amazonaws.com", "strict", "https://strict.s3.eu-west-1.amazonaws.com/repo/env/m"],
    ["https://s3.eu-west-1.amazonaws.com", "dots.in.it", "https://s3.eu-west-1.amazonaws.com/dots.in.it/repo/env/m"],
    [
      "https://s3.dualstack.eu-west-1.amazonaws.com",
      "strict",
      "https://strict.s3.dualstack.eu-west-1.amazonaws.com/repo/env/m",
    ],
    ["https://s3-fips.us-east-1.amazonaws.com", "strict", "https://strict.s3-fips.us-east-1.amazonaws.com/repo/env/m"],
    ["https://s3.cn-north-1.amazonaws.com.cn", "strict", "https://strict.s3.cn-north-1.amazonaws.com.cn/repo/env/m"],
    ["https://s3.eusc-de-east-1.amazonaws.eu", "strict", "https://strict.s3.eusc-de-east-1.amazonaws.eu/repo/env/m"],
    ["https://s3.us-iso-east-1.c2s.ic.gov", "strict", "https://strict.s3.us-iso-east-1.c2s.ic.gov/repo/env/m"],
    ["https://s3.eu-west-1.api.aws", "strict", "https://strict.s3.eu-west-1.api.aws/repo/env/m"],
  ])("%s with the bucket %s", async (endpoint, bucket, url) => {
    s3.on("HEAD", { headers: { etag: '"etag"' } });
    s3.on("DELETE", { status: 204 });
    s3.on("GET", { body: listing([]) });
    // Not a region of AWS, so the SDK does not know it.
    const at = openAt({ endpoint, region: "my_region" }, { bucket }, AT);
    await at.head("m");
    await at.delete("m");
    await collect(at.list(""));
    const list = url.replace("repo/env/m", "?list-type=2&prefix=repo%2Fenv%2F&encoding-type=url");
    expect(sent()).toEqual([`HEAD ${url}`, `DELETE ${url}?x-id=DeleteObject`, `GET ${list}`]);
    const scope = expect.stringContaining("/my_region/s3/aws4_request");
    expect(s3.sent.map(({ headers }) => headers["authorization"])).toEqual([scope, scope, scope]);
  });

  test.each([
    ["https://s3.example.com", "arn:aws:s3:us-west-2:1:accesspoint/a", "is an ARN"],
    ["https://s3.example.com", "it--use1-az4--x-s3", "is a directory bucket"],
    ["https://s3.example.com", "a?b", "cannot be the name of a bucket"],
    ["https://account.r2.cloudflarestorage.com/strict", "strict", "ends in the bucket's name"],
    ["https://strict.s3.eu-west-1.amazonaws.com", "strict", "begins with the bucket's name"],
  ])("%s with the bucket %s is refused", (endpoint, bucket, said) => {
    const open = () => openAt({ ...place, endpoint }, { bucket }, AT);
    expect(open).toThrow(InputError);
    expect(open).toThrow(said);
  });
});

describe("unexpected answers", () => {
  test("fewer bytes than announced", async () => {
    s3.on("GET", { headers: { etag: '"etag"', "content-length": "5" }, body: "byt" });
    const { message } = await failureOf(store.get("manifest", { maxBytes: 5 }));
    expect(message).toBe("cannot read s3://strict/repo/env/manifest: s3.example.com sent only a part of it");
    expect(s3.count()).toBe(5);
  });

  test("more bytes than wanted are not read", async () => {
    let isClosed = false;
    const endless = (function* () {
      try {
        for (;;) yield Buffer.from("0123456789");
      } finally {
        isClosed = true;
      }
    })();
    s3.on("GET", { headers: { etag: '"etag"' }, body: endless });
    expect((await store.get("manifest", { maxBytes: 14 }))?.bytes).toEqual(text("012345678901234"));
    expect(isClosed).toBe(true);
  });

  test.each([
    ["out of order", ["repo/env/b", "repo/env/a"]],
    ["twice", ["repo/env/a", "repo/env/a"]],
    ["of elsewhere", ["repo/other/a"]],
  ])("keys %s", async (_, keys) => {
    s3.on("GET", { body: listing(keys) });
    const { message } = await failureOf(collect(store.list("")));
    expect(message).toBe("cannot list s3://strict/repo/env/: the server does not list keys in their order");
  });

  test("a listing that continues without a key, or starts again", async () => {
    s3.on("GET", { body: listing([], true) });
    expect((await failureOf(collect(store.list("")))).message).toMatch(/in their order$/);
    s3.on("GET", { body: listing(["repo/env/a"], true) });
    expect((await failureOf(collect(store.list("")))).message).toMatch(/in their order$/);
  });

  test("gives up an endless listing after so many keys or five minutes of waiting", async () => {
    let next = 0;
    s3.on("GET", () => {
      const keys = Array.from({ length: 1000 }, () => `repo/env/${String(next++).padStart(9, "0")}`);
      return { body: listing(keys, true) };
    });
    const patient = openAt(place, {}, { ...AT, limits: { listingKeys: 3_000 } });
    const { message } = await failureOf(collect(patient.list("")));
    expect(message).toBe("cannot list s3://strict/repo/env/: no end after 3000 keys");
    s3.sent.length = 0;
    const slow = openAt(place, {}, { ...AT, clock: { nowMs: () => s3.count() * 60_001 } });
    expect((await failureOf(collect(slow.list("")))).message).toMatch(/no end after 5000 keys$/);
  });

  test("keys in the encoding that the server declares", async () => {
    const keys = ["repo/env/a%2Bb+c"];
    s3.on("GET", { body: listing(keys, false, "<EncodingType>url</EncodingType>") });
    expect(await collect(store.list(""))).toEqual(["a+b c"]);
    s3.on("GET", { body: listing(keys) });
    expect(await collect(store.list(""))).toEqual(["a%2Bb+c"]);
  });
});
