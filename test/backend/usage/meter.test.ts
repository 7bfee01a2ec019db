import { beforeEach, expect, test } from "vitest";
import { Meter } from "../../../src/backend/usage/meter.ts";
import type { OriginView } from "../../../src/backend/views.ts";
import type { BatchWriter } from "../../../src/usage/batch.ts";
import type { UsageEvent } from "../../../src/usage/event.ts";
import { NOW_MS, type ViewChanges, viewOf } from "../fixture.ts";

let recorded: UsageEvent[];
beforeEach(() => void (recorded = []));

function meterOf(view: OriginView | null): Meter {
  const recorder = {
    record: async (event: UsageEvent) => void recorded.push(event),
    flush: async () => {},
    close: async () => {},
  };
  return new Meter({
    writer: { id: "tok" } as BatchWriter,
    recorder,
    view: () => view,
    clock: { nowMs: () => NOW_MS },
  });
}

const capable = (changes: ViewChanges = {}): OriginView =>
  viewOf("rfc9421", { capabilities: ["metering"], ...changes });
const backend = { meters: [{ key: "jobs" }, { key: "tokens_used" }] };

test.each<[string, OriginView | null, readonly string[] | undefined]>([
  ["before the vault was asked: any", null, undefined],
  ["neither limits them: any", capable(), undefined],
  ["the backend's", capable({ backend }), ["jobs", "tokens_used"]],
  ["the token's", capable({ meters: ["jobs"] }), ["jobs"]],
  ["those of both", capable({ backend, meters: ["jobs", "cpu"] }), ["jobs"]],
])("the meters that an origin may report are %s", (_, view, meters) => {
  expect(meterOf(view).meters).toEqual(meters);
});

test("an event names its meter, and is recorded", async () => {
  await meterOf(capable({ backend })).meter("jobs", 2, { id: "e-1", requestId: "r-1", routeId: "jobs.create" });
  const request = { request_id: "r-1", route_id: "jobs.create" };
  expect(recorded).toEqual([{ id: "e-1", lane: "meter", usage: { jobs: 2 }, ...request, at: NOW_MS }]);
});

test.each<[string, OriginView, string]>([
  ["not_recorded", viewOf("rfc9421"), "jobs"],
  ["invalid_meter_key", capable({ backend }), "cpu"],
])("%s: nothing is recorded", async (code, view, meter) => {
  await expect(meterOf(view).meter(meter, 1)).rejects.toMatchObject({ name: "MeteringError", code });
  expect(recorded).toEqual([]);
});
