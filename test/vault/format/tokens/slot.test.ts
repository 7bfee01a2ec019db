import { expect, test } from "vitest";
import { encodeBase64 } from "../../../../src/crypto/base64.ts";
import { parseTokenPayload } from "../../../../src/vault/format/tokens/slot.ts";
import { rejection } from "../../../support/world.ts";

const CLAIMS = { id: `tok_${"0".repeat(32)}`, kind: "live", capabilities: [], created_at: "2026-01-01T00:00:00.000Z" };
const parse = async (settings: object) =>
  parseTokenPayload(
    Buffer.from(JSON.stringify({ claims: CLAIMS, root: encodeBase64(new Uint8Array(32)), settings })),
    "slot t1",
  );

test("settings that a gateway and an origin could read differently are refused", async () => {
  expect((await parse({ backends: [{ id: "api" }] })).settings).toEqual({ backends: [{ id: "api" }] });
  expect(await rejection(parse({ backends: [{ id: "API" }] }))).toMatchObject({
    name: "BundleCorruptError",
    message: expect.stringMatching(/has a slot t1 that has settings\.backends\[0\]\.id, which must have/),
  });
});
