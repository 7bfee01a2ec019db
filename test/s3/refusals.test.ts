import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccessDeniedError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { collect, text } from "../contract/fixture.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, hidden, openAt } from "./fixture.ts";

const reader = {
  accessKeyId: "READER",
  secretAccessKey: "planted-secret-key",
  grants: [{ actions: ["s3:GetObject" as const], prefix: "repo/env/" }],
};
const lister = {
  accessKeyId: "LISTER",
  secretAccessKey: "planted-secret-key",
  grants: [{ actions: ["s3:GetObject" as const, "s3:ListBucket" as const] }],
};
const temporary = { ...ROOT, accessKeyId: "TEMPORARY", sessionToken: "planted-session-token" };

let server: StrictS3;
beforeAll(async () => {
  server = await startStrictS3({ users: [ROOT, reader, lister, temporary] });
  await openAt(server).create("manifest", text("bytes"));
});
afterAll(() => server.close());

const MAX = { maxBytes: 100 };

/** Every call of a store. */
const calls: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ["head", (store) => store.head("manifest")],
  ["get", (store) => store.get("manifest", MAX)],
  ["create", (store) => store.create("new", text("bytes"))],
  ["replace", (store) => store.replace("manifest", text("bytes"), '"version"')],
  ["list", (store) => collect(store.list(""))],
  ["delete", (store) => store.delete("manifest")],
];

// An answer means the same for every call (answers.test.ts), but the answer to a HEAD has no body to say it in.
describe.each(calls.slice(0, 2))("%s", (name, call) => {
  test.each([
    [
      "an unknown access key",
      { accessKeyId: "NOBODY", secretAccessKey: "x" },
      "the server does not know the access key",
    ],
    [
      "a wrong secret key",
      { accessKeyId: ROOT.accessKeyId, secretAccessKey: "planted-secret-key" },
      "the secret key does not belong to the access key",
    ],
    [
      "a wrong session token",
      { ...temporary, sessionToken: "planted-session-token-of-yesterday" },
      "the server does not accept the session token",
    ],
  ])("%s is denied", async (_, keys, said) => {
    const error = await failureOf(call(openAt(server, { credentials: credentialsOf(keys) })));
    expect(error).toBeInstanceOf(AccessDeniedError);
    if (name !== "head") expect(error.message).toMatch(new RegExp(`: ${said}$`));
  });

  test("another region is named", async () => {
    const error = await failureOf(call(openAt(server, { region: "eu-west-1" })));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/: bucket strict is in region us-east-1, not in eu-west-1$/);
    expect(error.hint).toBe("set the region to us-east-1");
  });

  test("a missing bucket is named, but looks like a missing key to a HEAD", async () => {
    const store = openAt(server, { bucket: "nowhere" });
    if (name === "head") return expect(await store.head("manifest")).toBeNull();
    const error = await failureOf(call(store));
    expect(error).toBeInstanceOf(S3UnreachableError);
    return expect(error.message).toMatch(/: 127\.0\.0\.1:\d+ has no bucket nowhere$/);
  });

  test("names both times if the clock is an hour off", async () => {
    const nowMs = Date.now();
    await using ahead = await startAhead(nowMs + 3_600_000);
    const store = openAt(ahead.server, {}, { clock: { nowMs: () => nowMs } });
    await failureOf(call(store));
    // The SDK would learn the time from the first answer, and hide the difference from then on.
    const error = await failureOf(call(store));
    expect(error).toBeInstanceOf(AccessDeniedError);
    const [ours = "", theirs = ""] = error.message.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? [];
    expect(Date.parse(ours)).toBe(nowMs);
    // A Date header has no milliseconds.
    expect(Math.floor(Date.parse(theirs) / 1000)).toBe(Math.floor((nowMs + 3_600_000) / 1000));
    expect(error.hint).toBe("correct this machine's clock");
  });
});

function credentialsOf(keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const key = { accessKeyId, secretAccessKey: hidden(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: hidden(sessionToken) };
}

async function startAhead(nowMs: number) {
  const ahead = await startStrictS3({ nowMs: () => nowMs });
  return { server: ahead, [Symbol.asyncDispose]: () => ahead.close() };
}

test("the right session token is sent and accepted", async () => {
  expect(await openAt(server, { credentials: credentialsOf(temporary) }).head("manifest")).not.toBeNull();
});

describe("credentials that cannot be sent", () => {
  const { accessKeyId, secretAccessKey } = ROOT;
  test.each([
    [{ accessKeyId: `${accessKeyId} `, secretAccessKey }, "the access key id contains a space"],
    [{ accessKeyId: "", secretAccessKey }, "the access key id is empty"],
    [{ accessKeyId, secretAccessKey: `${secretAccessKey}\r\n` }, "the secret access key contains a line end"],
    [
      { accessKeyId, secretAccessKey, sessionToken: "planted-\nsession-token" },
      "the session token contains a line end",
    ],
    [{ accessKeyId, secretAccessKey, sessionToken: "ü" }, "the session token has a character that keys do not have"],
  ])("%j: nothing is sent, tried again or in doubt", async (keys, said) => {
    server.log.length = 0;
    for (const [, call] of calls) {
      const error = await failureOf(call(openAt(server, { credentials: credentialsOf(keys) })));
      expect(error).toBeInstanceOf(AccessDeniedError);
      expect(error.message).toMatch(new RegExp(`: ${said}$`));
    }
    expect(server.log).toEqual([]);
  });

  test("ambient ones that do not arrive in time: nor is the store blamed", async () => {
    const options = { ambient: () => new Promise<never>(() => {}), limits: { deadlineMs: 50 } };
    const error = await failureOf(openAt(server, { credentials: "ambient" }, options).create("new", text("bytes")));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toBe("cannot write s3://strict/repo/env/new: the ambient credentials did not arrive in time");
  });
});

describe("a user who may only read", () => {
  test.each(calls.slice(0, 2))("may %s", async (_, call) => {
    expect(await call(openAt(server, { keys: reader }))).not.toBeNull();
  });

  test.each(calls.slice(2))("may not %s", async (_, call) => {
    const error = await failureOf(call(openAt(server, { keys: reader })));
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect(error.message).toMatch(/^cannot (write|list|delete) s3:\/\/strict\/repo\/env\/\w*: access denied$/);
  });

  test("is denied a missing object, which only a user who may list learns about", async () => {
    for (const call of [
      (store: ObjectStore) => store.head("missing"),
      (store: ObjectStore) => store.get("missing", MAX),
    ]) {
      expect(await failureOf(call(openAt(server, { keys: reader })))).toBeInstanceOf(AccessDeniedError);
      expect(await call(openAt(server, { keys: lister }))).toBeNull();
    }
  });
});

test("a refusal is not tried again", async () => {
  server.log.length = 0;
  for (const [, call] of calls) await failureOf(call(openAt(server, { keys: { ...reader, secretAccessKey: "x" } })));
  expect(server.log.map(({ status }) => status)).toEqual(calls.map(() => 403));
});
