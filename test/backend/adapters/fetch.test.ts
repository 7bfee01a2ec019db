import { beforeEach, describe, expect, test } from "vitest";
import type { Backend } from "../../../src/backend/backend.ts";
import { createTestBackend, type RequestToTest, signRequest } from "../../../src/backend/testing.ts";
import { ROUTES } from "../origins.ts";

const MIB = 1024 * 1024;
const LARGEST = new Uint8Array(10 * MIB);
const ECHO = { method: "POST", target: "/echo" };

let backend: Backend;
beforeEach(() => void (backend = createTestBackend({ routes: ROUTES, log: () => undefined })));

/** What a handler behind `protect` answers: the length of the body that it got. */
async function answerTo(signed: RequestToTest, init: RequestInit & { duplex?: "half" }): Promise<string> {
  const { method = "GET", target } = signed;
  const headers = { ...(await signRequest(backend, signed)), ...(init.headers as object) };
  const handler = backend.protect(async (request) => new Response(`${(await request.arrayBuffer()).byteLength}`));
  const response = await handler(new Request(`http://origin${target}`, { method, ...init, headers }));
  return `${response.status} ${await response.text()}`;
}

/** A body that comes piece by piece, without a length. */
function pieces(next: (at: number) => Uint8Array<ArrayBuffer> | null) {
  const seen = { pulled: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = next(seen.pulled++);
      if (piece === null) controller.close();
      else controller.enqueue(piece);
    },
    cancel: () => void (seen.isCancelled = true),
  });
  return { seen, init: { body, duplex: "half" } as const };
}

describe("a body without an end is cancelled", () => {
  const endless = () => pieces(() => new Uint8Array(MIB));

  test("unread, if the request is not signed", async () => {
    const { seen, init } = endless();
    expect(await answerTo(ECHO, { ...init, headers: { signature: "" } })).toBe('401 {"error":"missing_signature"}');
    // The stream holds its first piece ready.
    expect(seen).toEqual({ pulled: 1, isCancelled: true });
  });

  test("after 10 MiB, if it is", async () => {
    const { seen, init } = endless();
    expect(await answerTo({ ...ECHO, body: "a job" }, init)).toBe('413 {"error":"body_too_large"}');
    expect(seen.isCancelled).toBe(true);
    expect(seen.pulled).toBeLessThanOrEqual(12);
  });
});

test.each([
  ["is served", null, `200 ${LARGEST.length}`],
  ["and one more byte is refused", new Uint8Array(1), '413 {"error":"body_too_large"}'],
])("a body of 10 MiB %s", async (_, more, answer) => {
  const { init } = pieces((at) => [LARGEST, more][at] ?? null);
  expect(await answerTo({ ...ECHO, body: LARGEST }, init)).toBe(answer);
});

test("a body of GET, which Fetch hides, is refused by its length; GET without one is served", async () => {
  const item = { method: "GET", target: "/items/7" };
  const hidden = { headers: { "content-length": "1" } };
  expect(await answerTo(item, hidden)).toBe('401 {"error":"body_hash_mismatch"}');
  expect(await answerTo(item, {})).toBe("200 0");
});
