import { beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError, ConflictError, S3UnreachableError } from "../../../src/errors.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import { UnsentError } from "../../../src/s3/wire/exchange.ts";
import { collect, text } from "../../contract/fixture.ts";
import { ROOT } from "../../support/strict-s3/server.ts";
import { failureOf, hidden, openAt, type Told, ToldServer } from "../fixture.ts";

const s3 = new ToldServer();
beforeEach(() => s3.reset());

const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const AT = { clock: { nowMs: () => NOW }, exchange: s3.exchange };
const place = { endpoint: "https://s3.example.com", region: "eu-west-1" };
const store = openAt(place, {}, AT);

const DENIED = "access denied";
const SKEW = "this machine's clock says 2026-01-02T03:04:05.678Z, the server's 2026-01-02T04:00:00.000Z";
const ELSEWHERE = "bucket strict is in region us-west-2, not in eu-west-1";
const NOT_HERE = "bucket strict is not in region eu-west-1";
const SKEW_BEHIND = "this machine's clock says 2026-01-02T03:04:05.678Z, the server's 2026-01-02T02:00:00.000Z";
const REDIRECTS = "s3.example.com redirects to";
const LACKING = "s3.example.com does not implement this request";
const here = { "x-amz-bucket-region": "eu-west-1" };
const west = { "x-amz-bucket-region": "us-west-2" };

/** [answer, the end of the message, the number of tries if more than one] */
type Row = [answer: Told, message: string, tries?: number];

const denied: Row[] = [
  [{ status: 401 }, DENIED],
  [{ status: 403 }, DENIED],
  [{ status: 403, Code: "AccessDenied" }, DENIED],
  [{ status: 403, Code: "InvalidAccessKeyId" }, "the server does not know the access key"],
  [{ status: 403, Code: "SignatureDoesNotMatch" }, "the secret key does not belong to the access key"],
  [{ status: 400, Code: "ExpiredToken" }, "the session token has expired"],
  [{ status: 400, Code: "InvalidToken" }, "the server does not accept the session token"],
  [{ status: 403, Code: "RequestTimeTooSkewed", fields: { ServerTime: "2026-01-02T04:00:00Z" } }, SKEW],
  [{ status: 403, Code: "RequestTimeTooSkewed" }, SKEW.replace("2026-01-02T04:00:00.000Z", "something else")],
  [{ status: 403, headers: { date: "Fri, 02 Jan 2026 04:00:00 GMT" } }, SKEW],
  [{ status: 403, headers: { date: "Fri, 02 Jan 2026 02:00:00 GMT" } }, SKEW_BEHIND],
  [{ status: 403, headers: { date: "Fri, 02 Jan 2026 03:10:00 GMT" } }, DENIED],
  [{ status: 403, headers: { date: "no date" } }, DENIED],
  [{ status: 403, Code: "AccessDenied", headers: { date: "Fri, 02 Jan 2026 04:00:00 GMT" } }, DENIED],
];

const unreachable: Row[] = [
  [{ status: 301, headers: west }, ELSEWHERE],
  [{ status: 301, Code: "PermanentRedirect", headers: west }, ELSEWHERE],
  [{ status: 301, Code: "PermanentRedirect" }, NOT_HERE],
  [{ status: 307, Code: "TemporaryRedirect" }, NOT_HERE],
  [{ status: 301, headers: here }, NOT_HERE],
  [{ status: 301, Code: "PermanentRedirect", fields: { Region: { not: "text" } } }, NOT_HERE],
  [{ status: 300, Code: "Choices" }, NOT_HERE],
  [{ status: 307, headers: { location: "https://eu.example.com/strict/it" } }, `${REDIRECTS} eu.example.com`],
  [
    { status: 301, Code: "PermanentRedirect", fields: { Endpoint: "strict.s3.eu.example.com" } },
    `${REDIRECTS} strict.s3.eu.example.com`,
  ],
  [{ status: 301, headers: { location: "/strict/it/" } }, NOT_HERE],
  [{ status: 301, headers: { ...west, location: "https://eu.example.com/" } }, ELSEWHERE],
  [{ status: 400, Code: "InvalidArgument", fields: { Message: "Unsupported header 'If-None-Match'" } }, LACKING],
  [{ status: 400, headers: west }, ELSEWHERE],
  [{ status: 400, headers: here }, "s3.example.com answered 400"],
  [{ status: 400, Code: "IllegalLocationConstraintException" }, NOT_HERE],
  [{ status: 400, Code: "AuthorizationHeaderMalformed", fields: { Region: "us-west-2" } }, ELSEWHERE],
  [{ status: 404, Code: "NoSuchBucket" }, "s3.example.com has no bucket strict"],
  [{ status: 400, Code: "InvalidRequest" }, "s3.example.com answered 400 InvalidRequest"],
  [{ status: 400, Code: { not: "text" } }, "s3.example.com answered 400"],
  [{ status: 405 }, "s3.example.com answered 405"],
  [{ status: 501, Code: "NotImplemented" }, "s3.example.com does not implement this request"],
  [{ status: 501 }, "s3.example.com does not implement this request"],
  [{ status: 400, Code: "RequestTimeout" }, "s3.example.com answered 400 RequestTimeout", 5],
  [{ status: 408 }, "s3.example.com answered 408", 5],
  [{ status: 429 }, "s3.example.com answered 429", 50],
  [{ status: 500, Code: "InternalError" }, "s3.example.com answered 500 InternalError", 5],
  [{ status: 503, Code: "SlowDown" }, "s3.example.com answered 503 SlowDown", 50],
  [{ status: 503, headers: west }, "s3.example.com answered 503", 50],
  [{ status: 503, Code: "ServiceUnavailable" }, "s3.example.com answered 503 ServiceUnavailable", 5],
  [{ status: 504 }, "s3.example.com answered 504", 5],
];

async function expectFailure(type: new (...args: never[]) => Error, message: string, tries: number): Promise<void> {
  const error = await failureOf(store.head("manifest"));
  expect(error).toBeInstanceOf(type);
  expect(error.message).toBe(`cannot read s3://strict/repo/env/manifest: ${message}`);
  expect(s3.count()).toBe(tries);
}

test.each(denied)("%j is access denied", async (answer, message) => {
  s3.on("HEAD", answer);
  await expectFailure(AccessDeniedError, message, 1);
});

test.each(unreachable)("%j is an unreachable store", async (answer, message, tries = 1) => {
  s3.on("HEAD", answer);
  await expectFailure(S3UnreachableError, message, tries);
});

test.each<[Told, boolean]>([
  [{ status: 400, body: "Client sent an HTTP request to an HTTPS server.\n" }, true],
  [{ status: 400, body: "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>" }, true],
  [{ status: 400, body: "<!DOCTYPE HTML><p>You're speaking plain HTTP to an SSL-enabled server port.</p>" }, true],
  [{ status: 308, headers: { location: "https://s3.example.com/strict/it" }, body: "<html>Moved</html>" }, true],
  [{ status: 308, headers: { location: "https://portal.example.com/" }, body: "<html>Moved</html>" }, false],
  [{ status: 308, headers: { location: "http://s3.example.com/strict/it" }, body: "<html>Moved</html>" }, false],
])("%j to a request without TLS", async (answer, isTls) => {
  const plain = openAt({ ...place, endpoint: "http://s3.example.com" }, {}, AT);
  s3.on("GET", answer);
  const { message, hint } = await failureOf(plain.get("it", { maxBytes: 1 }));
  expect(message.endsWith("s3.example.com accepts only TLS")).toBe(isTls);
  if (isTls) expect(hint).toBe("give the endpoint as https://s3.example.com");
  s3.on("GET", answer);
  expect((await failureOf(store.get("it", { maxBytes: 1 }))).message).not.toContain("TLS");
});

describe("the next step", () => {
  test.each<[Told, string]>([
    [{ status: 405 }, "check that the endpoint is an S3 service"],
    [{ status: 500 }, "try again later"],
    [{ status: 301 }, "check the region and the endpoint"],
    [{ status: 301, headers: here }, "check the region and the endpoint"],
    [{ status: 301, headers: west }, "set the region to us-west-2"],
    [
      { status: 403 },
      "check what the access key may do: `vsync policy --role=operator` prints what it needs, --role=reader what an app needs",
    ],
    [{ status: 403, Code: "RequestTimeTooSkewed" }, "correct this machine's clock"],
    [{ status: 404, Code: "NoSuchBucket" }, "check the bucket's name and the endpoint"],
    [
      { status: 307, headers: { location: "https://eu.example.com/" } },
      "check the region, or give the endpoint of the bucket's region",
    ],
    [{ status: 501, Code: "NotImplemented" }, "use a store with conditional writes"],
  ])("%j", async (answer, hint) => {
    s3.on("HEAD", answer);
    expect((await failureOf(store.head("manifest"))).hint).toBe(hint);
  });
});

test("400 without a body means an expired session token, if one is used", async () => {
  const keys = { accessKeyId: "A", secretAccessKey: hidden("S"), sessionToken: hidden("T") };
  const ambient = async () => keys;
  const said = async (at: ObjectStore, answer: Told) => {
    s3.on("HEAD", answer);
    return (await failureOf(at.head("manifest"))).message.replace(/^.*manifest: /, "");
  };
  const stale = "the session token has expired or is not accepted";
  for (const credentials of [keys, "ambient"] as const) {
    expect(await said(openAt(place, { credentials }, { ...AT, ambient }), { status: 400 })).toBe(stale);
    expect(await said(openAt(place, { credentials }, { ...AT, ambient }), { status: 400, Code: "Bad" })).toBe(
      "s3.example.com answered 400 Bad",
    );
    expect(await said(openAt(place, { credentials }, { ...AT, ambient }), { status: 405 })).toBe(
      "s3.example.com answered 405",
    );
  }
  expect(await said(store, { status: 400 })).toBe("s3.example.com answered 400");
});

test.each([{ status: 404 }, { status: 404, Code: "NoSuchKey" }])("%j: the object is missing", async (answer) => {
  s3.on("HEAD", answer);
  expect(await store.head("manifest")).toBeNull();
});

test("404 to a delete counts as done unless the bucket is missing", async () => {
  s3.on("DELETE", { status: 404, Code: "NoSuchKey" });
  await store.delete("v=1");
  s3.on("DELETE", { status: 404, Code: "NoSuchBucket" });
  expect(await failureOf(store.delete("v=1"))).toBeInstanceOf(S3UnreachableError);
});

describe("conditional writes", () => {
  test.each([
    { status: 412, Code: "PreconditionFailed" },
    { status: 404, Code: "NoSuchKey" },
  ])("%j to a replace is a conflict", async (answer) => {
    s3.on("PUT", answer);
    s3.on("HEAD", { headers: { etag: '"other"' } });
    const error = await failureOf(store.replace("manifest", text("bytes"), '"old"'));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toBe("s3://strict/repo/env/manifest is not at the version that was read");
    expect(s3.count("PUT")).toBe(1);
    // Only a 412 may depend on the spelling.
    expect(s3.count("HEAD")).toBe(answer.status === 412 ? 1 : 0);
  });

  test("412 to a create is a conflict", async () => {
    s3.on("PUT", { status: 412, Code: "PreconditionFailed" });
    const error = await failureOf(store.create("v=1", text("bytes")));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toBe("s3://strict/repo/env/v=1 exists already");
  });

  test.each([
    ['"etag"', "etag"],
    ["etag", '"etag"'],
  ])("412 although %s is there: once more as %s", async (version, other) => {
    s3.on("PUT", ({ headers }) => (headers["if-match"] === other ? { headers: { etag: '"new"' } } : { status: 412 }));
    s3.on("HEAD", { headers: { etag: version } });
    expect(await store.replace("manifest", text("bytes"), version)).toBe('"new"');
  });

  test("412 to both spellings is a conflict", async () => {
    s3.on("PUT", { status: 412 });
    s3.on("HEAD", { headers: { etag: '"etag"' } });
    expect(await failureOf(store.replace("manifest", text("bytes"), '"etag"'))).toBeInstanceOf(ConflictError);
    const spellings = s3.sent.flatMap(({ headers }) => headers["if-match"] ?? []);
    expect(spellings).toEqual(['"etag"', "etag"]);
  });

  test("412 without a way to check is still a conflict", async () => {
    s3.on("PUT", { status: 412 });
    s3.on("HEAD", { status: 403 });
    expect(await failureOf(store.replace("manifest", text("bytes"), '"etag"'))).toBeInstanceOf(ConflictError);
  });
});

const UNSENT = new Set<unknown>(["ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED"]);

describe("no answer", () => {
  const untrusted = (code: string): [string, string] => [
    code,
    `the certificate of s3.example.com is not trusted (${code})`,
  ];
  test.each<[code: unknown, message: string, tries?: number]>([
    untrusted("DEPTH_ZERO_SELF_SIGNED_CERT"),
    untrusted("CERT_HAS_EXPIRED"),
    untrusted("ERR_TLS_CERT_ALTNAME_INVALID"),
    untrusted("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    ["ERR_SSL_WRONG_VERSION_NUMBER", "s3.example.com does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)"],
    ["EPROTO", "s3.example.com does not speak TLS (EPROTO)"],
    ["HPE_INVALID_CONSTANT", "s3.example.com does not speak HTTP"],
    ["ENOTFOUND", "the name s3.example.com does not resolve"],
    ["EAI_AGAIN", "the name s3.example.com does not resolve now", 5],
    ["EHOSTUNREACH", "no route to s3.example.com", 5],
    ["ENETUNREACH", "no route to s3.example.com", 5],
    ["ECONNREFUSED", "s3.example.com refuses connections", 5],
    ["EPIPE", "s3.example.com closed the connection", 5],
    ["ECONNRESET", "s3.example.com closed the connection", 5],
    ["ETIMEDOUT", "the request failed (ETIMEDOUT)", 5],
    ["", "the request failed (Error)", 5],
    [5, "the request failed (Error)", 5],
    ["X_CERT_HAS", "the request failed (X_CERT_HAS)", 5],
    ["X_HPE_", "the request failed (X_HPE_)", 5],
  ])("%s", async (code, message, tries = 1) => {
    const error = Object.assign(new Error("planted-secret-key"), { code });
    s3.on("HEAD", UNSENT.has(code) ? new UnsentError(error) : error);
    await expectFailure(S3UnreachableError, message, tries);
  });
});

describe("the server's own words", () => {
  const { secretAccessKey } = ROOT;

  test.each<[Told, string]>([
    [{ status: 403, Code: "AccessDenied", fields: { Message: "Access Denied" } }, "access denied"],
    [
      { status: 403, Code: "AccessDenied", fields: { Message: "not authorized to perform: kms:Decrypt." } },
      "access denied: not authorized to perform: kms:Decrypt",
    ],
    [{ status: 403, Code: "AllAccessDisabled" }, "access denied: AllAccessDisabled"],
    [
      { status: 400, Code: "InvalidRequest", fields: { Message: "a &#27;[2J &amp; b" } },
      "s3.example.com answered 400 InvalidRequest: a [2J & b",
    ],
    [
      { status: 400, Code: "Odd", fields: { Message: `you sent ${secretAccessKey}` } },
      "s3.example.com answered 400 Odd: you sent [secret]",
    ],
    [{ status: 418, fields: { Message: "x".repeat(300) } }, `s3.example.com answered 418 ${"x".repeat(239)}…`],
  ])("%j", async (answer, message) => {
    s3.on("GET", answer);
    const error = await failureOf(store.get("manifest", { maxBytes: 1 }));
    expect(error.message).toBe(`cannot read s3://strict/repo/env/manifest: ${message}`);
    if (message.includes("kms:")) expect(error.hint).toMatch(/vsync policy --kms-key=<arn>/);
  });
});

describe("a web page in the place of an answer", () => {
  const PAGE = { headers: { "content-type": "text/html; charset=utf-8" }, body: "<!doctype html><p>Sign in<br>" };
  const SAID = "s3.example.com answered with a web page (HTML), as captive portals and proxies do";

  test.each([200, 302, 403, 404, 511])("with status %i", async (status) => {
    for (const method of ["GET", "PUT", "DELETE"] as const) s3.on(method, { ...PAGE, status });
    for (const call of [
      () => store.get("manifest", { maxBytes: 1 }),
      () => store.create("v=1", text("bytes")),
      () => collect(store.list("")),
      () => store.delete("v=1"),
    ]) {
      const error = await failureOf(call());
      expect(error).toBeInstanceOf(S3UnreachableError);
      expect(error.message).toContain(SAID);
    }
  });

  test.each([500, 502, 503, 504])(
    "with status %i: tried five times, as a gateway's page asks for no time",
    async (status) => {
      s3.on("GET", { ...PAGE, status });
      const error = await failureOf(store.get("manifest", { maxBytes: 1 }));
      expect(error.message).toContain(`s3.example.com answered ${status} with a web page (HTML), as proxies do`);
      expect(error.hint).toBe("check the endpoint and HTTPS_PROXY, or try again later");
      expect(s3.count()).toBe(5);
    },
  );

  test("to a write alone: reading back settles it", async () => {
    s3.on("PUT", { ...PAGE, status: 200 });
    s3.on("GET", { headers: { etag: '"e"' }, body: "bytes" });
    expect(await store.create("v=1", text("bytes"))).toBe('"e"');
  });
});
