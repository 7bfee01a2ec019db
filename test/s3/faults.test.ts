import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ConflictError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { collect, text } from "../contract/fixture.ts";
import type { Fault } from "../support/strict-s3/faults.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { failureOf, IMPATIENT, openAt } from "./fixture.ts";

const BYTES = text("some bytes of some length");
const MAX = { maxBytes: 1000 };
/** Half of every range. */
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

const requests = (): string[] => server.log.map(({ method, status }) => `${method} ${status ?? "lost"}`);
const answer = (status: number, code?: string): Fault => ({
  kind: "answer",
  apply: false,
  status,
  ...(code === undefined ? {} : { code }),
});

const failing: readonly (readonly [string, Fault])[] = [
  ["a dropped connection", { kind: "drop", apply: false }],
  ["500", answer(500, "InternalError")],
  ["502 with HTML", { kind: "answer", apply: false, status: 502, body: "<html><br></html>" }],
  ["504", { kind: "answer", apply: false, status: 504, body: "timeout" }],
];
const throttling: readonly (readonly [string, Fault])[] = [
  ["503 SlowDown", answer(503, "SlowDown")],
  ["503 without a body", answer(503)],
  ["429", answer(429, "TooManyRequests")],
];

/** Each call meets the fault once and succeeds. */
async function survive(it: ObjectStore, fault: Fault): Promise<void> {
  server.faults.add({ method: "HEAD" }, fault);
  expect(await it.head("there")).not.toBeNull();
  server.faults.add({ method: "GET" }, fault);
  expect((await it.get("there", MAX))?.bytes).toEqual(BYTES);
  server.faults.add({ method: "GET" }, fault);
  expect(await collect(it.list(""))).toEqual(["there"]);
  server.faults.add({ method: "DELETE" }, fault);
  await it.delete("there");
  expect(server.buckets.get("strict")?.size).toBe(0);
}

test.each([...failing, ...throttling])("head, get, list and delete survive %s", (_, fault) => survive(store, fault));
test("head, get, list and delete survive a server that hangs once", () =>
  survive(openAt(server, {}, IMPATIENT), { kind: "hang", apply: false }));

test.each([...failing.map((it) => [...it, 5] as const), ...throttling.map((it) => [...it, 50] as const)])(
  "%s every time ends each of them",
  async (_, fault, tries) => {
    server.faults.add({}, fault, 1000);
    expect(await failureOf(store.head("there"))).toBeInstanceOf(S3UnreachableError);
    expect(await failureOf(store.get("there", MAX))).toBeInstanceOf(S3UnreachableError);
    expect(await failureOf(collect(store.list("")))).toBeInstanceOf(S3UnreachableError);
    expect(await failureOf(store.delete("there"))).toBeInstanceOf(S3UnreachableError);
    expect(server.log).toHaveLength(4 * tries);
  },
);

test("the waits between tries double up to a bound, and are randomly shortened", async () => {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const patient = openAt(server, {}, { sleep, random: HALF, limits: { attempts: 9 } });
  server.faults.add({}, answer(500), 100);
  await failureOf(patient.head("there"));
  expect(waits).toEqual([50, 100, 200, 400, 800, 1500, 1500, 1500]);
});

describe("a body", () => {
  test("that is cut off is read again, and never passes for the object", async () => {
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

  test("that comes slowly but steadily is awaited", async () => {
    server.faults.add({ method: "GET" }, { kind: "drip", bytes: 1, ms: 60 });
    const lessThanTheWhole = openAt(server, {}, { limits: { readTimeoutMs: 1000 } });
    expect((await lessThanTheWhole.get("there", MAX))?.bytes).toEqual(BYTES);
    expect(requests()).toEqual(["GET 200"]);
  });

  test("that comes too slowly for the deadline fails", async () => {
    server.faults.add({ method: "GET" }, { kind: "drip", bytes: 1, ms: 100 }, 100);
    const hasty = openAt(server, {}, { limits: { deadlineMs: 300 } });
    const error = await failureOf(hasty.get("there", { maxBytes: 100 }));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/did not answer within 0\.3 s$/);
  });
});

describe("a server that hangs", () => {
  beforeEach(() => server.faults.add({}, { kind: "hang", apply: false }, 100));

  test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ["head", (hanging) => hanging.head("there")],
    ["get", (hanging) => hanging.get("there", { maxBytes: 10 })],
    ["list", (hanging) => collect(hanging.list(""))],
    ["delete", (hanging) => hanging.delete("there")],
  ])("ends %s at its deadline", async (_, call) => {
    const bounded = { limits: { attempts: 1, deadlineMs: 300, readTimeoutMs: 10_000 } };
    const error = await failureOf(call(openAt(server, {}, bounded)));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/: 127\.0\.0\.1:\d+ did not answer within 0\.3 s$/);
  });

  test("ends with the caller's reason if the caller aborts", async () => {
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
});

test("an answer may take longer than a connection", async () => {
  server.faults.add({}, { kind: "delay", ms: 1000 });
  const waiting = openAt(server, {}, { limits: { attempts: 1, connectTimeoutMs: 500 } });
  expect(await waiting.head("there")).not.toBeNull();
});

test("the caller's abort ends the wait between two tries", async () => {
  server.faults.add({}, answer(503, "SlowDown"), 100);
  const controller = new AbortController();
  const sleep = (_: number, signal: AbortSignal): Promise<void> => {
    queueMicrotask(() => controller.abort("no longer wanted"));
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("awake"))));
  };
  const waiting = openAt(server, {}, { sleep });
  await expect(waiting.head("there", { signal: controller.signal })).rejects.toBe("no longer wanted");
  expect(requests()).toEqual(["HEAD 503"]);
});

describe("a write that the server turns away", () => {
  const aborted = answer(409, "OperationAborted");

  test.each([answer(409, "ConditionalRequestConflict"), answer(409, "ConcurrentModification"), aborted])(
    "is tried again after %j, and nothing is read",
    async (fault) => {
      server.faults.add({ method: "PUT" }, fault, 3);
      await store.create("new", BYTES);
      expect(requests()).toEqual(["PUT 409", "PUT 409", "PUT 409", "PUT 200"]);
    },
  );

  test("is tried again after 503 SlowDown, and nothing is read", async () => {
    server.faults.add({ method: "PUT" }, answer(503, "SlowDown"), 2);
    await store.create("new", BYTES);
    expect(requests()).toEqual(["PUT 503", "PUT 503", "PUT 200"]);
  });

  test("with 409 every time is a conflict if another writer's object is there", async () => {
    server.faults.add({ method: "PUT" }, aborted, 100);
    expect(await failureOf(store.create("there", BYTES))).toBeInstanceOf(ConflictError);
    expect(requests().filter((request) => request.startsWith("PUT"))).toHaveLength(5);
  });

  test("with 409 every time is a broken store if nothing is there", async () => {
    server.faults.add({ method: "PUT" }, aborted, 100);
    expect(await failureOf(store.create("new", BYTES))).toBeInstanceOf(S3UnreachableError);
  });

  test("with 409, then 412, has lost to another writer, even one with the same bytes", async () => {
    server.faults.add({ method: "PUT" }, answer(409, "ConcurrentModification"));
    expect(await failureOf(store.create("there", BYTES))).toBeInstanceOf(ConflictError);
    expect(requests()).toEqual(["PUT 409", "PUT 412"]);
  });
});
