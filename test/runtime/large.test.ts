import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { directoryVault, open } from "./fixture.ts";

const MIB = 1024 * 1024;

test("opens a vault of 10 000 secrets and a file of 60 MiB and returns them", async () => {
  const secrets = Array.from({ length: 10_000 }, (_, n) => ({ name: `SECRET_${n}`, data: `value of ${n}` }));
  const data = new Uint8Array(60 * MIB).fill(0xa5);
  const v = await open(await directoryVault({ items: [...secrets, { name: "big", kind: "file", data }] }));
  expect(v.keys()).toHaveLength(10_000);
  expect([v.get("SECRET_0"), v.get("SECRET_9999"), v.has("SECRET_10000")]).toEqual([
    "value of 0",
    "value of 9999",
    false,
  ]);
  expect(Buffer.compare(v.bytes("big")!, data)).toBe(0);
  expect((await stat(await v.path("big"))).size).toBe(60 * MIB);
});
