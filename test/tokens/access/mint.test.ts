import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createClientCredentialsToken, createTokenVerifier } from "../../../src/tokens/index.ts";
import { NOW_MS, snapshotOf, tokenHere, VAULT } from "./access-world.ts";

const clock = { nowMs: () => NOW_MS + 999 };

describe("createClientCredentialsToken", () => {
  test("signs for an audience, from the second that has begun, with a name of its own", async () => {
    const owner = await tokenHere(1);
    const options = { expiresInSeconds: 90, audience: "https://tunnels.example", clock };
    const [first, second] = [
      createClientCredentialsToken(owner, options),
      createClientCredentialsToken(owner, options),
    ];
    const vault = { readVerify: async () => snapshotOf([owner]) };
    const { claims } = await createTokenVerifier({ vault, audience: options.audience, clock }).verify(first.token);
    const iat = NOW_MS / 1000;
    expect(claims).toEqual({
      iss: `vsync:${VAULT}`,
      sub: owner.stored.id,
      aud: options.audience,
      iat,
      exp: iat + 90,
      jti: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(second.token).not.toBe(first.token);
  });

  test.each([
    ["an id without its vault", (id: string) => id.split("@")[0] ?? "", /^invalid clientId/],
    ["the id of another token", (id: string) => id.replace(/tok_./, "tok_0").replace(/.@/, "0@"), /not the credential/],
  ])("refuses %s, and quotes no part of the credential", async (_title, change, message) => {
    const { clientId, clientSecret } = await tokenHere(1);
    const credentials = { clientId: change(clientId), clientSecret };
    let refusal: unknown;
    try {
      createClientCredentialsToken(credentials, { expiresInSeconds: 60 });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
    expect(inspect(refusal)).not.toContain(clientSecret.slice(10, 20));
  });

  test.each([0, -1, 1.5, 604_801, Number.NaN])("refuses a life of %s seconds", async (expiresInSeconds) => {
    const owner = await tokenHere(1);
    expect(() => createClientCredentialsToken(owner, { expiresInSeconds })).toThrow("1\u2026604800 seconds");
  });

  test("refuses claims that it does not know, and a token that no verifier would take", async () => {
    const owner = await tokenHere(1);
    const mint = (claims: object) => () => createClientCredentialsToken(owner, { expiresInSeconds: 60, claims });
    expect(mint({ scope: "all" })).toThrow("scope: is not a claim");
    expect(mint({ grants: [], tunnelsGrants: [] })).toThrow("tunnelsGrants: must be absent if there are grants");
    expect(mint({ grants: [{ projects: ["x".repeat(16_000)] }] })).toThrow("verifiers accept only 16384");
  });
});
