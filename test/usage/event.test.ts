import { expect, test } from "vitest";
import { encodeEvent, parseEvent } from "../../src/usage/event.ts";
import { AT_MS, event } from "./fixture.ts";

const refuse = (fault: string) => new Error(fault);
const meter = { id: "a", lane: "meter", usage: { jobs: 1 } };
const response = { id: "a", lane: "response", usage: { jobs: 1 }, request_id: "a" };
const from = { token: `tok_${"0".repeat(32)}`, backend: "api" };

test("an event is read as it was written", () => {
  const written = event("a", { request_id: "r", route_id: "", context: { model: "m" }, credits: { eur: 2 } });
  expect(parseEvent(encodeEvent(written), refuse)).toEqual(written);
});

test.each<[string, object]>([
  ["an unknown field in the first place", { a: 1, ...meter }],
  ["an unknown field", { ...meter, a: 1 }],
  ["fields in another order", { lane: "meter", id: "a", usage: { jobs: 1 } }],
  ["an empty request_id", { ...meter, request_id: "" }],
  ["a route_id that is not text", { ...meter, route_id: 1 }],
  ["a context that is a list", { ...meter, context: [] }],
  ["credits without a wallet", { ...meter, credits: {} }],
  ["usage without a meter", { ...meter, usage: {} }],
  ["the field token, which only a gateway sets", { ...meter, token: from.token }],
  ["the field pending, which only a gateway sets", { ...meter, pending: true }],
  ["a response without its backend", { ...response, token: from.token }],
  ["a response that is pending: false", { ...response, ...from, pending: false }],
  ["a response with a subject of 4097 characters", { ...response, ...from, subject: "x".repeat(4097) }],
])("a line with %s is refused", (_, fields) => {
  expect(() => parseEvent(JSON.stringify({ ...fields, at: AT_MS }), refuse)).toThrow(
    /^(?:has a field|has ".*" unknown)/,
  );
});
