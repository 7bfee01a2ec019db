import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { S3Location } from "../../src/s3/options.ts";
import { collect, text } from "../contract/fixture.ts";
import { failureOf, openAt } from "./fixture.ts";

const s3 = mockClient(S3Client);
beforeEach(() => {
  s3.reset();
});
afterAll(() => s3.restore());

const place = { endpoint: "https://s3.example.com", region: "eu-west-1" };
const store = openAt(place);
const at = (key: string) => ({ Bucket: "strict", Key: `repo/env/${key}` });

function sent() {
  return s3.calls().map(({ args: [{ constructor, input }] }) => [constructor.name, input]);
}

function body(content: string): never {
  return Readable.from([Buffer.from(content)]) as never;
}

describe("requests", () => {
  test("head", async () => {
    s3.on(HeadObjectCommand).resolves({ ETag: '"etag"' });
    expect(await store.head("manifest")).toBe('"etag"');
    expect(sent()).toEqual([["HeadObjectCommand", at("manifest")]]);
  });

  test("get", async () => {
    s3.on(GetObjectCommand).resolves({ ETag: '"etag"', Body: body("bytes"), ContentLength: 5 });
    expect(await store.get("manifest", { maxBytes: 5 })).toMatchObject({ bytes: text("bytes"), version: '"etag"' });
    expect(sent()).toEqual([["GetObjectCommand", at("manifest")]]);
  });

  test("create: only if the object is missing", async () => {
    s3.on(PutObjectCommand).resolves({ ETag: '"etag"' });
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
});

describe("the client", () => {
  async function configOf(overrides: Partial<S3Location> = {}) {
    s3.on(HeadObjectCommand).resolves({ ETag: '"etag"' });
    await openAt(place, overrides).head("manifest");
    const client = s3.calls()[0]?.thisValue as S3Client;
    return client.config;
  }

  test.each([
    ["https://s3.example.com", true],
    ["http://127.0.0.1:9000", true],
    ["https://account.r2.cloudflarestorage.com", true],
    ["https://amazonaws.com.example.org", true],
    ["https://myamazonaws.com", true],
    ["https://s3.amazonaws.com", false],
    ["https://s3.eu-west-1.amazonaws.com", false],
    ["https://s3.cn-north-1.amazonaws.com.cn", false],
    ["https://s3.eu-west-1.api.aws", false],
  ])("%s: the bucket in the path: %s", async (endpoint, forcePathStyle) => {
    expect((await configOf({ endpoint })).forcePathStyle).toBe(forcePathStyle);
  });

  test("tries once, adds no checksums, and does not correct clocks", async () => {
    const config = await configOf();
    expect(await config.maxAttempts()).toBe(1);
    expect(await config.requestChecksumCalculation()).toBe("WHEN_REQUIRED");
    expect(await config.responseChecksumValidation()).toBe("WHEN_REQUIRED");
    expect(await config.region()).toBe("eu-west-1");
    expect(config.expectContinueHeader).toBe(false);
    expect(config.followRegionRedirects).toBe(false);
  });

  test("does not show the secret key", async () => {
    expect(JSON.stringify(store)).not.toContain("root/secret+key");
    expect(store.label).toBe("s3://strict/repo/env/");
  });
});

describe("unexpected answers", () => {
  test("fewer bytes than announced", async () => {
    s3.on(GetObjectCommand).callsFake(() => ({ ETag: '"etag"', Body: body("byt"), ContentLength: 5 }));
    const { message } = await failureOf(store.get("manifest", { maxBytes: 5 }));
    expect(message).toBe("cannot read s3://strict/repo/env/manifest: s3.example.com sent only a part of it");
    expect(s3.calls()).toHaveLength(5);
  });

  test("more bytes than wanted are not read", async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.from("0123456789");
      })(),
    );
    s3.on(GetObjectCommand).resolves({ ETag: '"etag"', Body: endless as never });
    expect((await store.get("manifest", { maxBytes: 14 }))?.bytes).toEqual(text("012345678901234"));
    expect(endless.destroyed).toBe(true);
  });

  test.each([
    ["out of order", ["repo/env/b", "repo/env/a"]],
    ["twice", ["repo/env/a", "repo/env/a"]],
    ["of elsewhere", ["repo/other/a"]],
  ])("keys %s", async (_, keys) => {
    s3.on(ListObjectsV2Command).resolves({ Contents: keys.map((Key) => ({ Key })) });
    const { message } = await failureOf(collect(store.list("")));
    expect(message).toBe("cannot list s3://strict/repo/env/: the server does not list keys in their order");
  });

  test("a listing that goes on without a key, or from the start again", async () => {
    s3.on(ListObjectsV2Command).resolves({ Contents: [], IsTruncated: true });
    expect((await failureOf(collect(store.list("")))).message).toMatch(/in their order$/);
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: "repo/env/a" }], IsTruncated: true });
    expect((await failureOf(collect(store.list("")))).message).toMatch(/in their order$/);
  });

  test("gives up an endless listing after a million keys or five minutes of waiting", async () => {
    let next = 0;
    s3.on(ListObjectsV2Command).callsFake(() => {
      const Contents = Array.from({ length: 1000 }, () => ({ Key: `repo/env/${String(next++).padStart(9, "0")}` }));
      return { Contents, IsTruncated: true };
    });
    const { message } = await failureOf(collect(store.list("")));
    expect(message).toBe("cannot list s3://strict/repo/env/: no end after 1000000 keys");
    s3.resetHistory();
    const slow = openAt(place, {}, { clock: { nowMs: () => s3.calls().length * 60_001 } });
    expect((await failureOf(collect(slow.list("")))).message).toMatch(/no end after 5000 keys$/);
  });

  test("keys in the encoding that the server declares", async () => {
    const Contents = [{ Key: "repo/env/a%2Bb+c" }];
    s3.on(ListObjectsV2Command).resolves({ Contents, EncodingType: "url" });
    expect(await collect(store.list(""))).toEqual(["a+b c"]);
    s3.on(ListObjectsV2Command).resolves({ Contents });
    expect(await collect(store.list(""))).toEqual(["a%2Bb+c"]);
  });
});
