import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuthorizationRequest, type Decision, Evaluator, Layer } from "../../../src/tokens/grants/evaluate.ts";
import { type Grant, parseGrants } from "../../../src/tokens/grants/grant.ts";
import { PERMISSIONS } from "../../../src/tokens/permissions.ts";
import { sampled } from "../../support/samples.ts";

/*
 * The promise of grants: what is derived from a token can never do what the token cannot. With small alphabets, layers
 * and requests meet often.
 */

const IDS = ["a", "b"] as const;
const value = fc.constantFrom<string | boolean | number>("http", "tcp", true, false, 1);
const name = fc.constantFrom("protocol", "publish", "token_auth", "constructor");
const path = fc.constantFrom("/api", "/api/x", "/admin", "/api/../admin");

const matcher = fc.oneof(
  value,
  fc.record({ exact: value }),
  fc.record({ oneof: fc.array(value, { minLength: 1, maxLength: 2 }) }),
  fc.record({ regex: fc.constantFrom("^http$", "t", "^/api(/|$)") }),
  fc.record({ NOT: fc.oneof(value, fc.record({ regex: fc.constant("^/admin") })) }),
);
const members = fc.dictionary(name, matcher, { minKeys: 1, maxKeys: 2, noNullPrototype: true });
const branches = fc.array(members, { minLength: 1, maxLength: 2 });
const filters = fc.oneof(
  members,
  branches.map((AND) => ({ AND })),
  branches.map((OR) => ({ OR })),
);
const fields = fc.dictionary(fc.constantFrom("id", "name"), fc.constant(true), { minKeys: 1, noNullPrototype: true });
const whole = fc.constant(true);
const scopes = fc.record({
  tunnels: fc.record({
    create: fc.oneof(whole, fc.record({ filters })),
    connect: fc.oneof(whole, fc.record({ filters }), fc.record({ params: fc.record({ path: matcher }) })),
    list: fc.oneof(whole, fc.record({ select: fields }), fc.record({ filters, select: fields })),
  }),
  secrets: fc.record({ read: fc.oneof(whole, fc.record({ filters })) }),
});
const ids = fc.subarray([...IDS], { minLength: 1 });
const grant = fc.oneof(
  fc.record({ workspaces: ids }),
  fc.record({ projects: ids, scopes }),
  fc.record({ scopes }),
) as fc.Arbitrary<Grant>;
const layer = fc.record(
  { permissions: fc.subarray([...PERMISSIONS], { minLength: 3 }), grants: fc.array(grant, { maxLength: 3 }) },
  { requiredKeys: [] },
);
const operation = fc.constantFrom("create", "connect", "list").map((of) => ({ root: "tunnels", operation: of }));
const target = fc.record({
  workspace: fc.constantFrom(...IDS),
  project: fc.constantFrom(...IDS),
  properties: fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true }),
  path,
});
const request = fc
  .tuple(fc.oneof(operation, fc.constant({ root: "secrets", operation: "read" })), target)
  .map(([asked, of]) => ({ ...asked, ...of }));

type LayerJson = typeof layer extends fc.Arbitrary<infer Json> ? Json : never;

async function decide(layers: readonly LayerJson[], asked: AuthorizationRequest): Promise<Decision> {
  for (const { grants } of layers) if (grants !== undefined) parseGrants(grants);
  const prepared = layers.map((json, at) => new Layer(at === 0 ? "stored" : "access", json).prepare());
  return new Evaluator(undefined, await Promise.all(prepared)).decide(asked);
}

test("a derived token is never allowed what its parent is not", async () => {
  let [allowed, deniedByTheDerived] = [0, 0];
  await fc.assert(
    fc.asyncProperty(layer, layer, request, async (parent, derived, asked) => {
      const both = await decide([parent, derived], asked);
      const alone = await decide([parent], asked);
      if (!both.allowed) {
        if (alone.allowed) deniedByTheDerived++;
        return;
      }
      allowed++;
      expect(alone.allowed).toBe(true);
      if (!alone.allowed) return;
      // The child lists no further field, and creates only what the parent could have created.
      if (both.fields === true) expect(alone.fields).toBe(true);
      else if (both.fields !== undefined && alone.fields !== true)
        expect(alone.fields).toEqual(expect.arrayContaining([...both.fields]));
      const created = { ...asked, properties: { ...asked.properties, ...both.properties } };
      expect((await decide([parent], created)).allowed).toBe(true);
      expect((await decide([derived], created)).allowed).toBe(true);
    }),
    sampled(2000),
  );
  expect(Math.min(allowed, deniedByTheDerived)).toBeGreaterThan(50);
});
