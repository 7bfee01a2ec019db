import { expect, test } from "vitest";
import { verifyListOf } from "../../../../src/vault/format/tokens/verify-list.ts";

test.each([
  [{}, undefined],
  [{ meters: [{ key: "tokens" }] }, undefined],
  [{ require_auth: true, meters: [{ key: "tokens" }] }, { require_auth: true }],
])("of the settings %j, the list has what restricts tokens, or no settings", (settings, listed) => {
  expect(verifyListOf({ tokens: [], settings }, 0)).toStrictEqual({
    ...(listed === undefined ? {} : { settings: listed }),
    tokens: [],
  });
});
