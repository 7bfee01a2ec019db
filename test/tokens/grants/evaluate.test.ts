import { describe, expect, test } from "vitest";
import { type AuthorizationRequest, Evaluator, Layer } from "../../../src/tokens/grants/evaluate.ts";

const CREATE = { root: "tunnels", operation: "create" };
const filters = { protocol: "http" };
const forcing = new Layer("stored", { grants: [{ scopes: { tunnels: { create: { filters } } } }] });

/* Cases that vectors cannot express, because JSON cannot. */
describe("a request of a program", () => {
  test("lacks a property that is undefined", () => {
    expect(new Evaluator(undefined, [forcing]).decide({ ...CREATE, properties: { protocol: undefined } })).toEqual({
      allowed: true,
      properties: { protocol: "http" },
    });
  });

  test("may give its labels beside the other properties", () => {
    const labels = { team: "a" };
    const grants = [{ scopes: { tunnels: { connect: { filters: { labels } } } } }];
    const evaluator = new Evaluator(undefined, [new Layer("stored", { grants })]);
    const request = { root: "tunnels", operation: "connect", properties: { protocol: "http" } };
    expect(evaluator.decide({ ...request, labels }).allowed).toBe(true);
    expect(evaluator.decide(request).allowed).toBe(false);
  });

  test("is denied if it names a permission beside its operation, which would not be looked at", () => {
    const both = { ...CREATE, permission: "api.tokens.create" };
    expect(new Evaluator(undefined, []).decide(both)).toEqual({
      allowed: false,
      layer: "operations",
      reason: "it names both a permission and an operation",
    });
  });

  test.each([
    { workspace: 7 },
    { project: ["a"] },
    { path: null },
    { properties: null },
    { properties: "protocol" },
    { labels: [] },
    { facts: "10.0.0.1" },
  ])("is denied if it is mistyped: %j", (part) => {
    const request = { ...CREATE, ...part } as unknown as AuthorizationRequest;
    const [name] = Object.keys(part);
    expect(new Evaluator(undefined, []).decide(request)).toEqual({
      allowed: false,
      layer: "operations",
      reason: `${name} is mistyped`,
    });
  });
});
