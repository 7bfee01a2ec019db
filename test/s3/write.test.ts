import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore, Version } from "../../src/ports.ts";
import { text } from "../contract/fixture.ts";
import type { Fault } from "../support/strict-s3/faults.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, IMPATIENT, openAt } from "./fixture.ts";

const OURS = text("our bytes");
const KEY = "repo/env/manifest";

let server: StrictS3;
let store: ObjectStore;
beforeAll(async () => {
  server = await startStrictS3();
  store = openAt(server);
});
afterAll(() => server.close());
beforeEach(() => {
  server.buckets.get("strict")?.clear();
  server.faults.clear();
  server.log.length = 0;
});

function stored(): string | undefined {
  const object = server.buckets.get("strict")?.get(KEY);
  return object && Buffer.from(object.bytes).toString();
}

function requests(): string[] {
  return server.log.map(({ method, status }) => `${method} ${status ?? "lost"}`);
}

function storeDirectly(content: string): void {
  const etag = `"${content}"`;
  server.buckets.get("strict")?.set(KEY, { bytes: text(content), etag, modifiedMs: 0 });
}

const create = (by = store): Promise<Version> => by.create("manifest", OURS);
const replace = (by = store): Promise<Version> => by.replace("manifest", OURS, '"before"');

/** Both kinds of write; `before` prepares the object that the write expects. */
const writes = [
  { name: "create", write: create, before: () => {}, absent: "GET 404" },
  { name: "replace", write: replace, before: () => storeDirectly("before"), absent: "GET 200" },
];

const lost: readonly (readonly [string, (apply: boolean) => Fault, number | "lost"])[] = [
  ["the connection dropped", (apply) => ({ kind: "drop", apply }), "lost"],
  ["500", (apply) => ({ kind: "answer", apply, status: 500, code: "InternalError" }), 500],
  ["502 of a proxy", (apply) => ({ kind: "answer", apply, status: 502, body: "<html>bad gateway<br>" }), 502],
  ["503 of a proxy", (apply) => ({ kind: "answer", apply, status: 503, body: "" }), 503],
  ["504 of a proxy", (apply) => ({ kind: "answer", apply, status: 504, body: "gateway timeout" }), 504],
  ["200 without an ETag", (apply) => ({ kind: "answer", apply, status: 200, body: "" }), 200],
];

/** Answers that mean the write was not done, although some servers gave them after doing it. */
const uncertain: readonly (readonly [string, number, string])[] = [
  ["503 SlowDown", 503, "SlowDown"],
  ["429 TooManyRequests", 429, "TooManyRequests"],
];

describe.each(writes)("$name", ({ write, before, absent }) => {
  beforeEach(before);

  test.each(lost)("%s after the write: done once", async (_, fault, status) => {
    server.faults.add({ method: "PUT" }, fault(true));
    const version = await write();
    expect(version).toBe(await store.head("manifest"));
    expect(requests()).toEqual([`PUT ${status}`, "GET 200", "HEAD 200"]);
    expect(stored()).toBe("our bytes");
  });

  test.each(lost.slice(0, -1))("%s before the write: done by the next try", async (_, fault, status) => {
    server.faults.add({ method: "PUT" }, fault(false));
    await write();
    expect(requests()).toEqual([`PUT ${status}`, absent, "PUT 200"]);
    expect(stored()).toBe("our bytes");
  });

  test.each([true, false])("no answer in time, applied %s: done once", async (apply) => {
    server.faults.add({ method: "PUT" }, { kind: "hang", apply });
    const version = await write(openAt(server, {}, IMPATIENT));
    expect(version).toBe(await store.head("manifest"));
    expect(requests()[0]).toBe("PUT lost");
    expect(stored()).toBe("our bytes");
  });

  test("lost, and the object has another writer's bytes: a conflict", async () => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: true });
    server.faults.add({ method: "GET" }, { kind: "meanwhile", action: () => storeDirectly("theirs") });
    expect(await failureOf(write())).toBeInstanceOf(ConflictError);
    expect(requests()).toEqual(["PUT lost", "GET 200"]);
  });

  test("lost, and applied only after reading back: the next try's 412 is its own doing", async () => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: false });
    server.faults.add({ method: "PUT" }, { kind: "meanwhile", action: () => storeDirectly("our bytes") });
    expect(await write()).toBe('"our bytes"');
    expect(requests()).toEqual(["PUT lost", absent, "PUT 412", "GET 200"]);
  });

  test("lost, and the next try meets another writer: a conflict", async () => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: false });
    server.faults.add({ method: "PUT" }, { kind: "meanwhile", action: () => storeDirectly("theirs") });
    expect(await failureOf(write())).toBeInstanceOf(ConflictError);
    expect(stored()).toBe("theirs");
  });

  test.each<[string, Fault]>([
    ["refused", { kind: "answer", apply: false, status: 403, code: "AccessDenied" }],
    ["failing", { kind: "answer", apply: false, status: 500, code: "InternalError" }],
    ["dropped", { kind: "drop", apply: false }],
  ])("lost, and the reading back is %s: outcome unknown", async (_, fault) => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: true });
    server.faults.add({ method: "GET" }, fault, 100);
    const error = await failureOf(write());
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toContain("it is not known whether s3://strict/repo/env/manifest was written");
    expect(requests().filter((request) => request.startsWith("PUT"))).toHaveLength(1);
  });

  test("lost every time without a change: outcome unknown, because the last may still arrive", async () => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: false }, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
    expect(requests().filter((request) => request === "PUT lost")).toHaveLength(5);
  });

  test("lost once, then 500 every time: outcome unknown", async () => {
    server.faults.add({ method: "PUT" }, { kind: "drop", apply: false });
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 500, code: "InternalError" }, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
  });

  test.each([502, 504])(
    "%i every time: outcome unknown, because the server behind the proxy continues",
    async (status) => {
      server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status, body: "" }, 100);
      expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
    },
  );

  test.each(uncertain)("%s, applied: the next try's 412 is its own doing", async (_, status, code) => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: true, status, code });
    const version = await write();
    expect(version).toBe(await store.head("manifest"));
    expect(requests()).toEqual([`PUT ${status}`, "PUT 412", "GET 200", "HEAD 200"]);
    expect(stored()).toBe("our bytes");
  });

  test.each(uncertain)(
    "%s, not applied, and the next try meets another writer: a conflict",
    async (_, status, code) => {
      server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status, code });
      server.faults.add({ method: "PUT" }, { kind: "meanwhile", action: () => storeDirectly("theirs") });
      expect(await failureOf(write())).toBeInstanceOf(ConflictError);
      expect(requests()).toEqual([`PUT ${status}`, "PUT 412", "GET 200"]);
      expect(stored()).toBe("theirs");
    },
  );

  test.each(uncertain)(
    "%s, applied, then the same every time: done, because the object is there",
    async (_, status, code) => {
      server.faults.add({ method: "PUT" }, { kind: "answer", apply: true, status, code });
      server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status, code }, 100);
      expect(await write()).toBe(await store.head("manifest"));
    },
  );

  test.each(uncertain)("%s every time, and it cannot be read: outcome unknown", async (_, status, code) => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status, code }, 100);
    server.faults.add({ method: "GET" }, { kind: "answer", apply: false, status: 403, code: "AccessDenied" }, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
  });

  test("503 SlowDown, applied, then 409 and 412: done, because the object is there", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: true, status: 503, code: "SlowDown" });
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 409, code: "OperationAborted" });
    expect(await write()).toBe(await store.head("manifest"));
    expect(requests()).toEqual(["PUT 503", "PUT 409", "PUT 412", "GET 200", "HEAD 200"]);
  });

  test("503 SlowDown, applied, then 403: done, because the object is there", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: true, status: 503, code: "SlowDown" });
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 403, code: "AccessDenied" });
    expect(await write()).toBe(await store.head("manifest"));
  });

  test("500, applied only after reading back: the next try's 412 is its own doing", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 500, code: "InternalError" });
    server.faults.add({ method: "PUT" }, { kind: "meanwhile", action: () => storeDirectly("our bytes") });
    expect(await write()).toBe('"our bytes"');
    expect(requests()).toEqual(["PUT 500", absent, "PUT 412", "GET 200"]);
  });

  test("500, not applied, and the next try meets another writer: a conflict", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 500, code: "InternalError" });
    server.faults.add({ method: "PUT" }, { kind: "meanwhile", action: () => storeDirectly("theirs") });
    expect(await failureOf(write())).toBeInstanceOf(ConflictError);
    expect(stored()).toBe("theirs");
  });

  test("500 every time without a change: the store is unreachable, and nothing was written", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 500, code: "InternalError" }, 100);
    const error = await failureOf(write());
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(
      /^cannot write s3:\/\/strict\/repo\/env\/manifest: 127\.0\.0\.1:\d+ answered 500 InternalError$/,
    );
    expect(requests().filter((request) => request === "PUT 500")).toHaveLength(5);
  });
});

test("a replace that was lost, and the object is gone: a conflict", async () => {
  storeDirectly("before");
  server.faults.add({ method: "PUT" }, { kind: "drop", apply: true });
  const remove = (): void => server.buckets.get("strict")?.clear();
  server.faults.add({ method: "GET" }, { kind: "meanwhile", action: remove });
  expect(await failureOf(replace())).toBeInstanceOf(ConflictError);
});

test("the first try's 412 is not checked, because the same bytes may be another writer's", async () => {
  storeDirectly("our bytes");
  expect(await failureOf(create())).toBeInstanceOf(ConflictError);
  expect(requests()).toEqual(["PUT 412"]);
});
