import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError, ConflictError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { text } from "../contract/fixture.ts";
import { failureOf, hidden, openAt } from "./fixture.ts";

const s3 = mockClient(S3Client);
beforeEach(() => {
  s3.reset();
});
afterAll(() => s3.restore());

const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const store = openAt({ endpoint: "https://s3.example.com", region: "eu-west-1" }, {}, { clock: { nowMs: () => NOW } });

interface Answer {
  readonly status: number;
  /** The server's body, usually text. */
  readonly Code?: unknown;
  readonly headers?: Record<string, string>;
  readonly more?: Record<string, unknown>;
}

/** An error of the SDK. The answer to a HEAD has an empty body and so no `Code`. */
function thrown({ status, Code, headers = {}, more = {} }: Answer): Error {
  const error = new S3ServiceException({
    name: typeof Code === "string" ? Code : "Unknown",
    message: "planted-session-token as the server echoes it",
    $fault: status < 500 ? "client" : "server",
    $metadata: { httpStatusCode: status },
  });
  const response = { statusCode: status, headers };
  Object.defineProperty(error, "$response", { value: response, enumerable: false });
  return Object.assign(error, Code === undefined ? {} : { Code }, more);
}

const DENIED = "access denied";
const SKEW = "this machine's clock says 2026-01-02T03:04:05.678Z, the server's 2026-01-02T04:00:00.000Z";
const ELSEWHERE = "bucket strict is in region us-west-2, not in eu-west-1";
const NOT_HERE = "bucket strict is not in region eu-west-1";
const SKEW_BEHIND = "this machine's clock says 2026-01-02T03:04:05.678Z, the server's 2026-01-02T02:00:00.000Z";
const here = { "x-amz-bucket-region": "eu-west-1" };
const west = { "x-amz-bucket-region": "us-west-2" };

/** [answer, the end of the message, the number of tries if more than one] */
type Row = [answer: Answer, message: string, tries?: number];

const denied: Row[] = [
  [{ status: 401 }, DENIED],
  [{ status: 403 }, DENIED],
  [{ status: 403, Code: "AccessDenied" }, DENIED],
  [{ status: 403, Code: "InvalidAccessKeyId" }, "the server does not know the access key"],
  [{ status: 403, Code: "SignatureDoesNotMatch" }, "the secret key is not that of the access key"],
  [{ status: 400, Code: "ExpiredToken" }, "the session token has expired"],
  [{ status: 400, Code: "InvalidToken" }, "the server does not accept the session token"],
  [{ status: 403, Code: "RequestTimeTooSkewed", more: { ServerTime: "2026-01-02T04:00:00Z" } }, SKEW],
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
  [{ status: 301, Code: "PermanentRedirect", more: { Region: { not: "text" } } }, NOT_HERE],
  [{ status: 300, Code: "Choices" }, NOT_HERE],
  [{ status: 400, headers: west }, ELSEWHERE],
  [{ status: 400, headers: here }, "s3.example.com answered 400"],
  [{ status: 400, Code: "IllegalLocationConstraintException" }, NOT_HERE],
  [{ status: 400, Code: "AuthorizationHeaderMalformed", more: { Region: "us-west-2" } }, ELSEWHERE],
  [{ status: 404, Code: "NoSuchBucket" }, "s3.example.com has no bucket strict"],
  [{ status: 400, Code: "InvalidRequest" }, "s3.example.com answered 400 InvalidRequest"],
  [{ status: 400, Code: { not: "text" } }, "s3.example.com answered 400"],
  [{ status: 405 }, "s3.example.com answered 405"],
  [{ status: 501, Code: "NotImplemented" }, "s3.example.com does not implement this request"],
  [{ status: 400, Code: "RequestTimeout" }, "s3.example.com answered 400 RequestTimeout", 5],
  [{ status: 408 }, "s3.example.com answered 408", 5],
  [{ status: 429 }, "s3.example.com answered 429", 30],
  [{ status: 500, Code: "InternalError" }, "s3.example.com answered 500 InternalError", 5],
  [{ status: 503, Code: "SlowDown" }, "s3.example.com answered 503 SlowDown", 30],
  [{ status: 503, headers: west }, "s3.example.com answered 503", 30],
  [{ status: 503, Code: "ServiceUnavailable" }, "s3.example.com answered 503 ServiceUnavailable", 5],
  [{ status: 504 }, "s3.example.com answered 504", 5],
  [{ status: 200 }, "s3.example.com answered 200 with something that is not S3's"],
];

async function expectFailure(type: new (...args: never[]) => Error, message: string, tries: number): Promise<void> {
  const error = await failureOf(store.head("manifest"));
  expect(error).toBeInstanceOf(type);
  expect(error.message).toBe(`cannot read s3://strict/repo/env/manifest: ${message}`);
  expect(s3.calls()).toHaveLength(tries);
}

test.each(denied)("%j is access denied", async (answer, message) => {
  s3.on(HeadObjectCommand).rejects(thrown(answer));
  await expectFailure(AccessDeniedError, message, 1);
});

test.each(unreachable)("%j is an unreachable store", async (answer, message, tries = 1) => {
  s3.on(HeadObjectCommand).rejects(thrown(answer));
  await expectFailure(S3UnreachableError, message, tries);
});

describe("the next step", () => {
  test.each<[Answer, string]>([
    [{ status: 405 }, "check that the endpoint is that of an S3 service"],
    [{ status: 500 }, "try again later"],
    [{ status: 301 }, "check the region and the endpoint"],
    [{ status: 301, headers: here }, "check the region and the endpoint"],
    [{ status: 301, headers: west }, "set the region to us-west-2"],
    [{ status: 403 }, "check what the access key may do: vsync policy prints what it needs"],
    [{ status: 403, Code: "RequestTimeTooSkewed" }, "set this machine's clock"],
    [{ status: 404, Code: "NoSuchBucket" }, "check the bucket's name and the endpoint"],
    [{ status: 501, Code: "NotImplemented" }, "use a store with conditional writes"],
  ])("%j", async (answer, hint) => {
    s3.on(HeadObjectCommand).rejects(thrown(answer));
    expect((await failureOf(store.head("manifest"))).hint).toBe(hint);
  });
});

test("400 without a body means an expired session token, if one is used", async () => {
  const keys = { accessKeyId: "A", secretAccessKey: hidden("S"), sessionToken: hidden("T") };
  const place = { endpoint: "https://s3.example.com", region: "eu-west-1" };
  const said = async (at: ObjectStore, answer: Answer) => {
    s3.on(HeadObjectCommand).rejects(thrown(answer));
    return (await failureOf(at.head("manifest"))).message.replace(/^.*manifest: /, "");
  };
  const stale = "the session token has expired or is not accepted";
  for (const credentials of [keys, "ambient"] as const) {
    expect(await said(openAt(place, { credentials }), { status: 400 })).toBe(stale);
    expect(await said(openAt(place, { credentials }), { status: 400, Code: "Bad" })).toBe(
      "s3.example.com answered 400 Bad",
    );
    expect(await said(openAt(place, { credentials }), { status: 405 })).toBe("s3.example.com answered 405");
  }
  expect(await said(store, { status: 400 })).toBe("s3.example.com answered 400");
});

test.each([{ status: 404 }, { status: 404, Code: "NoSuchKey" }])("%j: the object is missing", async (answer) => {
  s3.on(HeadObjectCommand).rejects(thrown(answer));
  expect(await store.head("manifest")).toBeNull();
});

test("404 to a delete counts as done unless the bucket is missing", async () => {
  s3.on(DeleteObjectCommand).rejects(thrown({ status: 404, Code: "NoSuchKey" }));
  await store.delete("v=1");
  s3.on(DeleteObjectCommand).rejects(thrown({ status: 404, Code: "NoSuchBucket" }));
  expect(await failureOf(store.delete("v=1"))).toBeInstanceOf(S3UnreachableError);
});

describe("conditional writes", () => {
  test.each([
    { status: 412, Code: "PreconditionFailed" },
    { status: 404, Code: "NoSuchKey" },
  ])("%j to a replace is a conflict", async (answer) => {
    s3.on(PutObjectCommand).rejects(thrown(answer));
    s3.on(HeadObjectCommand).resolves({ ETag: '"other"' });
    const error = await failureOf(store.replace("manifest", text("bytes"), '"old"'));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toBe("s3://strict/repo/env/manifest is not at the version that was read");
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(1);
    // Only a 412 may depend on the spelling.
    expect(s3.commandCalls(HeadObjectCommand)).toHaveLength(answer.status === 412 ? 1 : 0);
  });

  test("412 to a create is a conflict", async () => {
    s3.on(PutObjectCommand).rejects(thrown({ status: 412, Code: "PreconditionFailed" }));
    const error = await failureOf(store.create("v=1", text("bytes")));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toBe("s3://strict/repo/env/v=1 is there already");
  });

  test.each([
    ['"etag"', "etag"],
    ["etag", '"etag"'],
  ])("412 although %s is there: once more as %s", async (version, other) => {
    s3.on(PutObjectCommand).rejects(thrown({ status: 412 }));
    s3.on(PutObjectCommand, { IfMatch: other }).resolves({ ETag: '"new"' });
    s3.on(HeadObjectCommand).resolves({ ETag: version });
    expect(await store.replace("manifest", text("bytes"), version)).toBe('"new"');
  });

  test("412 to both spellings is a conflict", async () => {
    s3.on(PutObjectCommand).rejects(thrown({ status: 412 }));
    s3.on(HeadObjectCommand).resolves({ ETag: '"etag"' });
    expect(await failureOf(store.replace("manifest", text("bytes"), '"etag"'))).toBeInstanceOf(ConflictError);
    const spellings = s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input.IfMatch);
    expect(spellings).toEqual(['"etag"', "etag"]);
  });

  test("412 without a way to check is still a conflict", async () => {
    s3.on(PutObjectCommand).rejects(thrown({ status: 412 }));
    s3.on(HeadObjectCommand).rejects(thrown({ status: 403 }));
    expect(await failureOf(store.replace("manifest", text("bytes"), '"etag"'))).toBeInstanceOf(ConflictError);
  });
});

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
    s3.on(HeadObjectCommand).rejects(Object.assign(new Error("planted-secret-key"), { code }));
    await expectFailure(S3UnreachableError, message, tries);
  });

  test("ambient credentials for a user without a home", async () => {
    s3.on(HeadObjectCommand).rejects(Object.assign(new Error("uv_os_homedir"), { code: "ERR_SYSTEM_ERROR" }));
    const failure = await failureOf(store.head("manifest"));
    expect(failure).toBeInstanceOf(AccessDeniedError);
    expect(failure.message).toMatch(/: this user has no home to look for ambient credentials in$/);
    expect(failure.hint).toMatch(/^set HOME/);
  });

  test("an answer without headers", async () => {
    s3.on(HeadObjectCommand).rejects(Object.assign(new Error("x"), { $metadata: { httpStatusCode: 403 } }));
    expect((await failureOf(store.head("manifest"))).message).toMatch(/: access denied$/);
  });

  test("missing ambient credentials are a denial, without the SDK's text", async () => {
    const error = Object.assign(new Error("planted-secret-key"), { name: "CredentialsProviderError" });
    s3.on(HeadObjectCommand).rejects(error);
    const failure = await failureOf(store.head("manifest"));
    expect(failure).toBeInstanceOf(AccessDeniedError);
    expect(failure.message).toMatch(/: no ambient credentials on this machine$/);
    expect(failure.hint).toMatch(/^set AWS_ACCESS_KEY_ID/);
  });
});
