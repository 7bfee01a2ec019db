import { beforeEach, expect, test } from "vitest";
import { auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { committedBy, rejection, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

test("a row that another machine appends between our swap and our append exists once, without an error", async () => {
  const machine = world.peer().failing({
    async before({ operation, key }) {
      if (operation === "create" && key === auditKey(2)) await world.peer().reconcile();
    },
  });
  expect(committedBy(await machine.push({ A: "2" })).auditFault).toBeNull();
  expect(await world.audit()).toMatchObject({ outstanding: null, rows: { length: 2 } });
});

test("if another row is in its place, the commit stands and reports it, but the next commit is refused", async () => {
  const machine = world.peer().failing({
    after({ key, bytes }) {
      if (key === MANIFEST_KEY && bytes !== undefined) world.tamper(auditKey(2), Buffer.from("not a row"));
    },
  });
  const { auditFault } = committedBy(await machine.push({ A: "2" }));
  expect(auditFault).toMatchObject({ row: 2, message: "audit row 2 exists with other content" });
  const before = world.objects();
  expect(await rejection(world.push({ A: "3" }))).toMatchObject({ name: "AuditBrokenError", row: 2 });
  expect(await rejection(world.reconcile())).toMatchObject({ name: "AuditBrokenError", row: 2 });
  expect(world.objects()).toEqual(before);
});
