import { beforeAll, expect, test } from "vitest";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { rejection, World } from "../../support/world.ts";

/** Three generations. */
let world: World;
beforeAll(async () => {
  world = await World.pushed({ A: "1", B: "1" });
  await world.push({ A: "2", C: "2" });
  await world.push({ A: "2", C: "3" });
});

test.each([
  [1, 2, { added: ["C"], changed: ["A"], removed: ["B"], unchanged: [] }],
  [2, 1, { added: ["B"], changed: ["A"], removed: ["C"], unchanged: [] }],
  [2, 2, { added: [], changed: [], removed: [], unchanged: ["A", "C"] }],
  [2, undefined, { added: [], changed: ["C"], removed: [], unchanged: ["A"] }],
  [undefined, 2, { added: ["C"], changed: ["A"], removed: ["B"], unchanged: [] }],
])("from generation %s to %s", async (from, to, changes) => {
  expect(await world.diff(from, to)).toMatchObject({ toGen: to ?? 3, changes, manifest: { gen: 3 } });
});

test("to the newest generation while its row is outstanding", async () => {
  expect(await world.fork().tamper(auditKey(3), null).diff(2)).toMatchObject({ toGen: 3, changes: { changed: ["C"] } });
});

test("to the first generation is refused without another to compare it with", async () => {
  expect(await rejection(world.diff(undefined, 1))).toMatchObject({
    name: "InputError",
    message: "generation 1 is the first: no other comes before it",
    hint: "vsync list prod shows its names",
  });
});
