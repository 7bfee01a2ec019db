import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openStore } from "../../src/stores/open-store.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { openVault } from "../../src/vault/open/open.ts";
import { createBucket } from "../support/ceph/target.ts";
import { holding } from "../support/passphrases.ts";
import { type Machine, machineOn, machineOnRealS3, OLD, startStrictS3 } from "../support/program/machine.ts";
import { randomName } from "../support/program/s3-machine.ts";
import { type Gate, openGate } from "./rotation-gate.ts";

const MOVE = ["move", "prod", "live", "--yes"];

/** The vault at its new place, which must hold everything it held before, and the whole chain. */
async function expectMoved(machine: Machine): Promise<void> {
  const store = await openStore({ ...machine.location, prefix: machine.location.prefix.replace("prod", "live") });
  using holder = holding(OLD);
  const { manifest, bundle } = await openVault({ ...machine.ports, store }, { holder, expect: { env: "live" } });
  expect(bundle.items.map(({ name }) => name)).toEqual(["DATABASE_URL"]);
  const { rows, outstanding } = await verifyAudit(store, manifest);
  expect([manifest.gen, manifest.action, rows.length + Number(outstanding !== null)]).toEqual([2, "move", 2]);
}

// When a kill comes between two writes makes no difference to the store; test/vault/move.test.ts tries each request.
describe("a move that is killed before any of its writes", () => {
  let server: Awaited<ReturnType<typeof startStrictS3>>;
  let gate: Gate;
  beforeAll(async () => {
    server = await startStrictS3({ buckets: ["strict"] });
    gate = await openGate(server.endpoint);
  });
  afterAll(async () => {
    await gate.close();
    await server.close();
  });

  test.each([
    "PUT live/audit/000000000001",
    "PUT live/v=",
    "PUT live/manifest",
    "PUT live/audit/000000000002",
    "PUT v=",
    "PUT manifest",
    "PUT audit/000000000002",
  ])("%s: it goes on when it is run again, and apps start from the old place throughout", async (at) => {
    server.buckets.get("strict")?.clear();
    gate.open();
    await using machine = await machineOn(server, gate.endpoint);
    const held = gate.stopAt({ at, when: "before" });
    const child = machine.start(MOVE);
    const closed = once(child, "close");
    await Promise.race([held, closed.then(() => Promise.reject(new Error("it was not held")))]);
    child.kill("SIGKILL");
    await closed;
    gate.open();
    await machine.open(OLD);
    const again = await machine.run(MOVE);
    expect(again.exitCode, again.stderr).toBe(0);
    await expectMoved(machine);
  });
});

describe.skipIf(inject("s3") === null)("on a real S3 server", () => {
  test("a vault moves between two buckets behind two endpoints, and its old place closes", async () => {
    const target = inject("s3");
    if (target === null) return;
    await using gate = await openGate(target.endpoint);
    await using machine = await machineOnRealS3(gate.endpoint);
    if (machine === null) return;
    const bucket = await createBucket(target, randomName("vsync-move"));
    const env = { VSYNC_ACCESS_KEY: target.accessKeyId, VSYNC_SECRET_KEY: target.secretAccessKey };
    const token = await machine.run(["runtime-token", "prod"]);
    const place = [`--endpoint=${target.endpoint}`, `--bucket=${bucket}`];
    const moved = await machine.run(["move", "prod", ...place, "--yes"], { env });
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect((await machine.run(["audit", "verify", "prod"])).stderr).toContain("2 rows, gen=2");
    const boot = () => machine.run(["get", "DATABASE_URL"], { env: { VSYNC_CONFIG: token.stdout.trim() } });
    expect(await boot()).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("has moved to") });
    expect(await machine.run(["move", "prod", "--finish", "--yes"])).toMatchObject({ exitCode: 0 });
    expect(await boot()).toMatchObject({ exitCode: 4 });
    expect(await machine.run(["get", "prod", "DATABASE_URL"])).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
