import { expect, test } from "vitest";
import { newVaultId } from "../../../src/vault/format/shape.ts";
import { seededRandom } from "../../support/world.ts";

test("a new vault's id is 16 random bytes in base64url", () => {
  const random = seededRandom("ids");
  const ids = [newVaultId(random), newVaultId(random)];
  for (const id of ids) expect(Buffer.from(id, "base64url")).toHaveLength(16);
  expect(ids[0]).not.toBe(ids[1]);
});
