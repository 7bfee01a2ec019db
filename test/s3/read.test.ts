import { afterAll, beforeAll, expect, test } from "vitest";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { openAt } from "./fixture.ts";

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
