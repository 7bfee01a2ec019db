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

const requests = (): string[] => server.log.map(({ method, status }) => `${method} ${status ?? "lost"}`);
const puts = (fault: Fault, times = 1): void => server.faults.add({ method: "PUT" }, fault, times);
const answer = (apply: boolean, status: number, code: string): Fault => ({ kind: "answer", apply, status, code });
const dropped = (apply: boolean): Fault => ({ kind: "drop", apply });
const denied = answer(false, 403, "AccessDenied");
const failed = answer(false, 500, "InternalError");
/** Somebody stores this content just before the next request. */
const meanwhile = (content: string): Fault => ({ kind: "meanwhile", action: () => storeDirectly(content) });

function storeDirectly(content: string): void {
  const etag = `"${content}"`;
  server.buckets.get("strict")?.set(KEY, { bytes: text(content), etag, modifiedMs: 0 });
}

const create = (by = store): Promise<Version> => by.create("manifest", OURS);
const replace = (by = store): Promise<Version> => by.replace("manifest", OURS, '"before"');

/** Both kinds of write; `before` puts the object there that the write expects. */
const writes = [
  { name: "create", write: create, before: () => {}, absent: "GET 404" },
  { name: "replace", write: replace, before: () => storeDirectly("before"), absent: "GET 200" },
];

const lost: readonly (readonly [string, (apply: boolean) => Fault, number | "lost"])[] = [
  ["a dropped connection", dropped, "lost"],
  ["500", (apply) => answer(apply, 500, "InternalError"), 500],
  ["502 of a proxy", (apply) => ({ kind: "answer", apply, status: 502, body: "<html>bad gateway<br>" }), 502],
  ["503 of a proxy", (apply) => ({ kind: "answer", apply, status: 503, body: "" }), 503],
  ["504 of a proxy", (apply) => ({ kind: "answer", apply, status: 504, body: "gateway timeout" }), 504],
  ["200 without an ETag", (apply) => ({ kind: "answer", apply, status: 200, body: "" }), 200],
];

/** Statuses by which a server says that it has not done the write, although some say so after they did it. */
const uncertain = [
  [503, "SlowDown"],
  [429, "TooManyRequests"],
] as const;

describe.each(writes)("$name", ({ write, before, absent }) => {
  beforeEach(before);

  async function expectDone(by?: ObjectStore): Promise<void> {
    const version = await write(by);
    expect(version).toBe(await store.head("manifest"));
    expect(stored()).toBe("our bytes");
  }

  test.each(lost)("%s after the write: done, once", async (_, fault, status) => {
    puts(fault(true));
    await expectDone();
    expect(requests()).toEqual([`PUT ${status}`, "GET 200", "HEAD 200"]);
  });

  test.each(lost.slice(0, -1))("%s before the write: the next try does it", async (_, fault, status) => {
    puts(fault(false));
    await expectDone();
    expect(requests().slice(0, -1)).toEqual([`PUT ${status}`, absent, "PUT 200"]);
  });

  test.each([true, false])("no answer in time, applied %s: done, once", async (apply) => {
    puts({ kind: "hang", apply });
    await expectDone(openAt(server, {}, IMPATIENT));
    expect(requests()[0]).toBe("PUT lost");
  });

  test("lost, and another writer's bytes are stored: a conflict", async () => {
    puts(dropped(true));
    server.faults.add({ method: "GET" }, meanwhile("theirs"));
    expect(await failureOf(write())).toBeInstanceOf(ConflictError);
    expect(requests()).toEqual(["PUT lost", "GET 200"]);
  });

  test.each([
    ["lost", dropped(false)],
    ["500", failed],
  ])("%s, applied only after the read-back: the next 412 is its own doing", async (status, fault) => {
    puts(fault);
    puts(meanwhile("our bytes"));
    expect(await write()).toBe('"our bytes"');
    expect(requests()).toEqual([`PUT ${status}`, absent, "PUT 412", "GET 200"]);
  });

  test.each([
    ["lost", dropped(false)],
    ["500", failed],
  ])("%s, and the next try meets another writer: a conflict", async (_, fault) => {
    puts(fault);
    puts(meanwhile("theirs"));
    expect(await failureOf(write())).toBeInstanceOf(ConflictError);
    expect(stored()).toBe("theirs");
  });

  test.each([
    ["refused", denied],
    ["failing", failed],
    ["dropped", dropped(false)],
  ])("lost, and the read-back is %s: outcome unknown", async (_, fault) => {
    puts(dropped(true));
    server.faults.add({ method: "GET" }, fault, 100);
    const error = await failureOf(write());
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toContain("it is not known whether s3://strict/repo/env/manifest was written");
    expect(requests().filter((request) => request.startsWith("PUT"))).toHaveLength(1);
  });

  test("lost every time, and nothing has changed: outcome unknown, since the last may yet arrive", async () => {
    puts(dropped(false), 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
    expect(requests().filter((request) => request === "PUT lost")).toHaveLength(5);
  });

  test("lost once, then 500 every time: outcome unknown", async () => {
    puts(dropped(false));
    puts(failed, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
  });

  test.each([502, 504])("%i every time: outcome unknown, since the server behind the proxy goes on", async (status) => {
    puts({ kind: "answer", apply: false, status, body: "" }, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
  });

  test.each(uncertain)("%i %s, applied: the next 412 is its own doing", async (status, code) => {
    puts(answer(true, status, code));
    await expectDone();
    expect(requests()).toEqual([`PUT ${status}`, "PUT 412", "GET 200", "HEAD 200"]);
  });

  test.each(uncertain)(
    "%i %s, not applied, and the next try meets another writer: a conflict",
    async (status, code) => {
      puts(answer(false, status, code));
      puts(meanwhile("theirs"));
      expect(await failureOf(write())).toBeInstanceOf(ConflictError);
      expect(requests()).toEqual([`PUT ${status}`, "PUT 412", "GET 200"]);
      expect(stored()).toBe("theirs");
    },
  );

  test.each(uncertain)("%i %s, applied, then the same every time: done", async (status, code) => {
    puts(answer(true, status, code));
    puts(answer(false, status, code), 100);
    await expectDone();
  });

  test.each(uncertain)("%i %s every time, and it cannot be read: outcome unknown", async (status, code) => {
    puts(answer(false, status, code), 100);
    server.faults.add({ method: "GET" }, denied, 100);
    expect(await failureOf(write())).toBeInstanceOf(OutcomeUnknownError);
  });

  test("503 SlowDown, applied, then 409 and 412: done", async () => {
    puts(answer(true, 503, "SlowDown"));
    puts(answer(false, 409, "OperationAborted"));
    await expectDone();
    expect(requests()).toEqual(["PUT 503", "PUT 409", "PUT 412", "GET 200", "HEAD 200"]);
  });

  test("503 SlowDown, applied, then 403: done", async () => {
    puts(answer(true, 503, "SlowDown"));
    puts(denied);
    await expectDone();
  });

  test("500 every time, and nothing has changed: the store does not work, and nothing was written", async () => {
    puts(failed, 100);
    const error = await failureOf(write());
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/^cannot write s3:\/\/strict\/repo\/env\/manifest: \S+ answered 500 InternalError$/);
    expect(requests().filter((request) => request === "PUT 500")).toHaveLength(5);
  });
});

test("a replace that was lost, and the object is gone: a conflict", async () => {
  storeDirectly("before");
  puts(dropped(true));
  const remove = (): void => server.buckets.get("strict")?.clear();
  server.faults.add({ method: "GET" }, { kind: "meanwhile", action: remove });
  expect(await failureOf(replace())).toBeInstanceOf(ConflictError);
});

test("the first try's 412 is believed: the same bytes may be another writer's", async () => {
  storeDirectly("our bytes");
  expect(await failureOf(create())).toBeInstanceOf(ConflictError);
  expect(requests()).toEqual(["PUT 412"]);
});
