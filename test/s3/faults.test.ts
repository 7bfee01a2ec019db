import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConflictError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { collect, text } from "../contract/fixture.ts";
import type { Fault } from "../support/strict-s3/faults.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, IMPATIENT, openAt } from "./fixture.ts";

const BYTES = text("some bytes of some length");
const MAX = { maxBytes: 1000 };
/** Always draws the middle of a range. */
const HALF = { bytes: () => Uint8Array.of(127, 255, 255, 255) };

let server: StrictS3;
let store: ObjectStore;
beforeAll(async () => {
  server = await startStrictS3();
  store = openAt(server);
});
afterAll(() => server.close());
beforeEach(async () => {
  server.buckets.get("strict")?.clear();
  server.faults.clear();
  await store.create("there", BYTES);
  server.log.length = 0;
});

function requests(): string[] {
  return server.log.map(({ method, status }) => `${method} ${status ?? "lost"}`);
}

const passing: readonly (readonly [string, Fault])[] = [
  ["dropped", { kind: "drop", apply: false }],
  ["500", { kind: "answer", apply: false, status: 500, code: "InternalError" }],
  ["502 with HTML", { kind: "answer", apply: false, status: 502, body: "<html><br></html>" }],
  ["503 SlowDown", { kind: "answer", apply: false, status: 503, code: "SlowDown" }],
  ["503 without a body", { kind: "answer", apply: false, status: 503 }],
  ["504", { kind: "answer", apply: false, status: 504, body: "timeout" }],
  ["429", { kind: "answer", apply: false, status: 429, code: "TooManyRequests" }],
];

const throttling = passing.filter(([name]) => /503|429/.test(name));
const failing = passing.filter((fault) => !throttling.includes(fault));

describe.each(passing)("once %s", (_, fault) => {
  test("head", async () => {
    server.faults.add({ method: "HEAD" }, fault);
    expect(await store.head("there")).not.toBeNull();
  });

  test("get", async () => {
    server.faults.add({ method: "GET" }, fault);
    expect((await store.get("there", MAX))?.bytes).toEqual(BYTES);
  });

  test("list", async () => {
    server.faults.add({ method: "GET" }, fault);
    expect(await collect(store.list(""))).toEqual(["there"]);
  });

  test("delete", async () => {
    server.faults.add({ method: "DELETE" }, fault);
    await store.delete("there");
    expect(server.buckets.get("strict")?.size).toBe(0);
  });
});

test.each(failing)("always %s: gives up after five tries", async (_, fault) => {
  server.faults.add({}, fault, 100);
  expect(await failureOf(store.head("there"))).toBeInstanceOf(S3UnreachableError);
  expect(await failureOf(store.get("there", MAX))).toBeInstanceOf(S3UnreachableError);
  expect(await failureOf(collect(store.list("")))).toBeInstanceOf(S3UnreachableError);
  expect(await failureOf(store.delete("there"))).toBeInstanceOf(S3UnreachableError);
  expect(server.log).toHaveLength(20);
});

test.each(throttling)("always %s: gives up after thirty tries", async (_, fault) => {
  server.faults.add({}, fault, 100);
  expect(await failureOf(store.head("there"))).toBeInstanceOf(S3UnreachableError);
  expect(await failureOf(store.get("there", MAX))).toBeInstanceOf(S3UnreachableError);
  expect(await failureOf(collect(store.list("")))).toBeInstanceOf(S3UnreachableError);
  expect(server.log).toHaveLength(90);
});

test("once hanging", async () => {
  const impatient = openAt(server, {}, IMPATIENT);
  server.faults.add({ method: "HEAD" }, { kind: "hang", apply: false });
  expect(await impatient.head("there")).not.toBeNull();
  server.faults.add({ method: "GET" }, { kind: "hang", apply: false });
  expect((await impatient.get("there", MAX))?.bytes).toEqual(BYTES);
  server.faults.add({ method: "GET" }, { kind: "hang", apply: false });
  expect(await collect(impatient.list(""))).toEqual(["there"]);
  server.faults.add({ method: "DELETE" }, { kind: "hang", apply: false });
  await impatient.delete("there");
  expect(server.buckets.get("strict")?.size).toBe(0);
});

test("the waits between tries double up to a bound, with random shortening", async () => {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const patient = openAt(server, {}, { sleep, random: HALF, limits: { attempts: 9 } });
  server.faults.add({}, { kind: "answer", apply: false, status: 500 }, 100);
  await failureOf(patient.head("there"));
  expect(waits).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500]);
});

describe("a body", () => {
  test("that is cut off is read again and never taken for the object", async () => {
    server.faults.add({ method: "GET" }, { kind: "truncate", bytes: 7 });
    expect((await store.get("there", MAX))?.bytes).toEqual(BYTES);
    expect(requests()).toEqual(["GET 200", "GET 200"]);
  });

  test("that stops coming is read again", async () => {
    server.faults.add({ method: "GET" }, { kind: "stall", bytes: 7 });
    expect((await openAt(server, {}, IMPATIENT).get("there", MAX))?.bytes).toEqual(BYTES);
    expect(server.log.length).toBeGreaterThan(1);
  });

  test("that is cut off every time is a network failure", async () => {
    server.faults.add({ method: "GET" }, { kind: "truncate", bytes: 7 }, 100);
    const error = await failureOf(store.get("there", MAX));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(
      /^cannot read s3:\/\/strict\/repo\/env\/there: 127\.0\.0\.1:\d+ closed the connection$/,
    );
  });

  test("that comes slowly but steadily is accepted", async () => {
    server.faults.add({ method: "GET" }, { kind: "drip", bytes: 1, ms: 60 });
    const lessThanTheWhole = openAt(server, {}, { limits: { readTimeoutMs: 1000 } });
    expect((await lessThanTheWhole.get("there", MAX))?.bytes).toEqual(BYTES);
    expect(requests()).toEqual(["GET 200"]);
  });

  test("that comes too slowly for the deadline is given up", async () => {
    server.faults.add({ method: "GET" }, { kind: "drip", bytes: 1, ms: 100 }, 100);
    const hasty = openAt(server, {}, { limits: { deadlineMs: 300 } });
    const error = await failureOf(hasty.get("there", { maxBytes: 100 }));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/did not answer within 0\.3 s$/);
  });
});

describe("a server that hangs", () => {
  const bounded = { limits: { attempts: 1, deadlineMs: 300, readTimeoutMs: 10_000 } };

  test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ["head", (hanging) => hanging.head("there")],
    ["get", (hanging) => hanging.get("there", { maxBytes: 10 })],
    ["list", (hanging) => collect(hanging.list(""))],
    ["delete", (hanging) => hanging.delete("there")],
  ])("%s ends at its deadline", async (_, call) => {
    server.faults.add({}, { kind: "hang", apply: false }, 100);
    const error = await failureOf(call(openAt(server, {}, bounded)));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/: 127\.0\.0\.1:\d+ did not answer within 0\.3 s$/);
  });

  test("an answer may take longer than a connection", async () => {
    server.faults.add({}, { kind: "delay", ms: 1000 });
    const waiting = openAt(server, {}, { limits: { attempts: 1, connectTimeoutMs: 500 } });
    expect(await waiting.head("there")).not.toBeNull();
  });

  test("an abort ends the call with the caller's reason", async () => {
    server.faults.add({}, { kind: "hang", apply: false }, 100);
    const patient = openAt(server, {}, { limits: { readTimeoutMs: 60_000, attempts: 1 } });
    for (const call of [
      (signal: AbortSignal) => patient.head("there", { signal }),
      (signal: AbortSignal) => patient.get("there", { ...MAX, signal }),
      (signal: AbortSignal) => collect(patient.list("", { signal })),
    ]) {
      const controller = new AbortController();
      const ended = expect(call(controller.signal)).rejects.toBe("no longer wanted");
      controller.abort("no longer wanted");
      await ended;
    }
  });

  test("an abort ends the wait between two tries", async () => {
    server.faults.add({}, { kind: "answer", apply: false, status: 503, code: "SlowDown" }, 100);
    const controller = new AbortController();
    const sleep = (_: number, signal: AbortSignal): Promise<void> => {
      queueMicrotask(() => controller.abort("no longer wanted"));
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("awake"))));
    };
    const waiting = openAt(server, {}, { sleep });
    await expect(waiting.head("there", { signal: controller.signal })).rejects.toBe("no longer wanted");
    expect(requests()).toEqual(["HEAD 503"]);
  });
});

describe("writes that are turned away", () => {
  const conflicts = ["ConditionalRequestConflict", "ConcurrentModification", "OperationAborted"];

  test.each(conflicts)("409 %s: tries again without reading", async (code) => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 409, code }, 3);
    await store.create("new", BYTES);
    expect(requests()).toEqual(["PUT 409", "PUT 409", "PUT 409", "PUT 200"]);
  });

  test("503 SlowDown: tries again without reading", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 503, code: "SlowDown" }, 2);
    await store.create("new", BYTES);
    expect(requests()).toEqual(["PUT 503", "PUT 503", "PUT 200"]);
  });

  test("409 every time, and the object is another writer's: a conflict", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 409, code: "OperationAborted" }, 100);
    expect(await failureOf(store.create("there", BYTES))).toBeInstanceOf(ConflictError);
    expect(requests().filter((request) => request.startsWith("PUT"))).toHaveLength(5);
  });

  test("409 every time, and the object is missing: the store is broken, not a conflict", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 409, code: "OperationAborted" }, 100);
    expect(await failureOf(store.create("new", BYTES))).toBeInstanceOf(S3UnreachableError);
  });

  test("409, then 412: the other writer has won, even if with the same bytes", async () => {
    server.faults.add({ method: "PUT" }, { kind: "answer", apply: false, status: 409, code: "ConcurrentModification" });
    expect(await failureOf(store.create("there", BYTES))).toBeInstanceOf(ConflictError);
    expect(requests()).toEqual(["PUT 409", "PUT 412"]);
  });
});
