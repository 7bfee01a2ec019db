import { expect, test } from "vitest";
import { proposeReconcile } from "../../../src/vault/commit/reconcile.ts";
import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { ENV, holderOf, OLD, rejection, World } from "../../support/world.ts";

test("appends the newest row if it is missing, and looks before it writes", async () => {
  const world = await World.pushed();
  const { length } = world.requests;
  expect(await world.reconcile()).toEqual({ gen: 1, appended: false });
  const looking = ["get manifest", "get v=20260101T000000000Z", `get ${auditKey(1)}`];
  expect(world.requests.slice(length)).toEqual(looking);
  expect(await world.tamper(auditKey(1), null).reconcile()).toEqual({ gen: 1, appended: true });
  expect(world.requests.slice(length + 3)).toEqual([...looking, `create ${auditKey(1)}`]);
  expect(await world.audit()).toMatchObject({ outstanding: null });
});

test("says what it has appended a row for, and refuses another row", async () => {
  const world = await World.pushed();
  const propose = () => proposeReconcile(world, { holder: holderOf(OLD), expect: { env: ENV } });
  world.tamper(auditKey(1), null);
  using proposal = await propose();
  expect(await proposal.commit()).toMatchObject({ manifest: { gen: 1 }, auditFault: null });
  world.tamper(auditKey(1), Uint8Array.of(1));
  expect(await rejection(propose())).toMatchObject({ name: "AuditBrokenError" });
});
