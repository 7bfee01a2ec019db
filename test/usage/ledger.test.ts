import { describe, expect, test } from "vitest";
import { encodeEvent, type UsageEvent } from "../../src/usage/event.ts";
import { Ledger, type LedgerRules } from "../../src/usage/ledger.ts";
import type { OpenedBatch, TokenFacts } from "../../src/usage/read-batch.ts";
import type { Cell } from "../../src/usage/totals.ts";
import { AT_MS, event } from "./fixture.ts";

const DAY = "2026-11-29";
const START_MS = Date.parse(DAY);
const HOUR_MS = 3_600_000;
const facts = (more: Partial<TokenFacts> = {}): TokenFacts => {
  return { metering: true, isGateway: false, backend: "api", endedMs: null, ...more };
};
const TOKENS: Readonly<Record<string, TokenFacts>> = {
  app: facts(),
  other: facts({ meters: ["jobs"] }),
  gateway: facts({ isGateway: true, backend: undefined }),
};

function ledgerWith(rules: Partial<LedgerRules> = {}): Ledger {
  return new Ledger({
    vault: "v",
    usageKeys: [],
    tokenFacts: (id) => TOKENS[id] ?? null,
    routeLimits: () => undefined,
    isVoid: () => false,
    isWanted: () => true,
    isClosed: () => false,
    frozenIn: () => undefined,
    ...rules,
  });
}

let written = 0;
function batch(token: string, events: readonly UsageEvent[], more: Partial<OpenedBatch> = {}, day = DAY): OpenedBatch {
  const name = { token, day, ulid: `${++written}` };
  const read = events.map((it) => ({ event: it, line: encodeEvent(it) }));
  return { name, header: { instance: `${written}`, seq: 1 }, digest: `${written}`, events: read, ...more };
}

/** What an app settles, and what the gateway announces or reports of a response. */
const deferred = (id: string, more: Partial<UsageEvent> = {}) =>
  event(id, { lane: "deferred", request_id: id, ...more });
const response = (id: string, more: Partial<UsageEvent> = {}) =>
  event(id, { lane: "response", request_id: id, token: "app", backend: "web", ...more });
const pending = (id: string, more: Partial<UsageEvent> = {}) => response(id, { usage: {}, pending: true, ...more });

/** What a ledger has counted, by the dimension that a test is about. */
function counted(ledger: Ledger, name: "token" | "backend" | "day" = "token") {
  const { refused, doubts } = ledger.finish(true);
  const sums = Object.fromEntries(ledger.totals.by([name]).map((cell) => [cell[name], Number(cell.amount)]));
  return { sums, refused: refused.map(({ reason, events }) => [reason, events]), doubts };
}

describe("a batch that the store received", () => {
  const before = START_MS - 48 * HOUR_MS;
  const after = START_MS + 72 * HOUR_MS;
  const stored = (storedMs: number, ...ids: string[]) =>
    batch(
      "app",
      ids.map((id) => event(id)),
      { storedMs },
    );
  test.each([
    ["48 hours before its day", before, DAY],
    ["earlier", before - 1, "2026-11-26"],
    ["48 hours after its day", after, DAY],
    ["later", after + 1, "2026-12-02"],
  ])("%s counts for the right day", (_, storedMs, day) => {
    const ledger = ledgerWith();
    expect(ledger.count(batch("app", [event("a")], { storedMs }))).toBe(day);
    const { sums, doubts } = counted(ledger, "day");
    expect(sums).toEqual({ [day]: 1 });
    expect(doubts.map(({ kind }) => kind)).toEqual(day === DAY ? [] : ["moved"]);
  });

  test("on another day has ids of the day in its name, and the first that the store received counts", () => {
    const [inTime, late, later] = [batch("app", [event("a")]), stored(after + 1, "a", "b"), stored(after * 2, "b")];
    for (const batches of [
      [inTime, late, later],
      [later, late, inTime],
    ]) {
      const ledger = ledgerWith();
      for (const it of batches) ledger.count(it);
      expect(counted(ledger, "day").sums).toEqual({ [DAY]: 1, "2026-12-02": 1 });
    }
  });

  test("late, and again from a backup after its month was closed, still comes before later ones", () => {
    const [frozen, later] = [stored(after * 2, "a"), stored(after + 48 * HOUR_MS, "a")];
    const frozenIn = (key: string) => (key.endsWith(`/${frozen.name.ulid}`) ? "2026-12" : undefined);
    const ledger = ledgerWith({ isClosed: (month) => month === "2026-12", frozenIn });
    for (const it of [later, frozen]) ledger.count(it);
    ledger.finish(true);
    expect([ledger.late.cells, ledger.totals.cells]).toEqual([[], []]);
  });
});

describe("what an app settles", () => {
  test("of a response that was announced to another one leaves the announcement open, and gets nothing of it", () => {
    const ledger = ledgerWith();
    ledger.count(batch("gateway", [pending("r")]));
    ledger.count(batch("other", [deferred("r")]));
    expect(counted(ledger, "backend")).toEqual({
      sums: { api: 1 },
      refused: [],
      doubts: [{ kind: "unsettled", token: "app", text: "the response of request r announced usage that never came" }],
    });
  });

  test("counts for the backend of the announcement, and beside what another app says of the same request", () => {
    const ledger = ledgerWith();
    ledger.count(batch("gateway", [pending("r")]));
    for (const app of ["other", "app"]) ledger.count(batch(app, [deferred("r")]));
    expect(counted(ledger, "backend")).toEqual({ sums: { api: 1, web: 1 }, refused: [], doubts: [] });
  });

  test("under an id that it metered, too, counts", () => {
    const ledger = ledgerWith();
    ledger.count(batch("app", [event("r")]));
    ledger.count(batch("app", [deferred("r")], {}, "2026-11-30"));
    expect(counted(ledger)).toEqual({ sums: { app: 2 }, refused: [], doubts: [] });
  });

  test("again on the next day, after its month was closed, is the same, not late, in whichever order its batches come", () => {
    const [frozen, again] = [batch("app", [deferred("r")]), batch("app", [deferred("r")], {}, "2026-11-30")];
    for (const batches of [
      [frozen, again],
      [again, frozen],
    ]) {
      const ledger = ledgerWith({
        isClosed: () => true,
        frozenIn: (key) => (key.endsWith(`/${frozen.name.ulid}`) ? "2026-11" : undefined),
      });
      for (const it of batches) ledger.count(it);
      ledger.finish(true);
      expect({ late: ledger.late.cells, duplicates: ledger.duplicates }).toEqual({ late: [], duplicates: 1 });
    }
  });
});

describe("what a gateway reports", () => {
  test("of a token that the vault never had is refused, once for each batch", () => {
    const ledger = ledgerWith();
    ledger.count(batch("gateway", [response("r-1", { token: "nobody" }), response("r-2", { token: "nobody" })]));
    const { sums, refused } = counted(ledger);
    expect(sums).toEqual({});
    expect(refused).toEqual([["is by a token that this vault never had", 2]]);
  });

  test("is bound by the meters of the token whose response it was, and counts for the backend that it names", () => {
    const ledger = ledgerWith();
    const usage = { cpu: 1 };
    ledger.count(batch("gateway", [response("r-1", { token: "other", usage }), response("r-2", { usage })]));
    expect(counted(ledger, "backend")).toEqual({
      sums: { web: 1 },
      refused: [["has the meter cpu, which its token may not report", 1]],
      doubts: [],
    });
  });
});

test("days that nobody asked for give no batches, no frozen totals and no doubts", () => {
  const cell = (day: string, events: number): Cell => {
    return { day, meter: "jobs", backend: "api", route: "", token: "app", subject: "", amount: 10n, events };
  };
  const next = { at: AT_MS + 24 * HOUR_MS };
  const ledger = ledgerWith({ isWanted: (day) => day === DAY });
  ledger.count(batch("gateway", [pending("r-1")]));
  ledger.count(batch("gateway", [pending("r-2", next)], {}, "2026-11-30"));
  ledger.addFrozen([cell(DAY, 3), cell("2026-11-30", 4)]);
  const { sums, doubts } = counted(ledger);
  expect({ sums, unsettled: doubts.map(({ text }) => text) }).toEqual({
    sums: { app: 10 },
    unsettled: ["the response of request r-1 announced usage that never came"],
  });
  expect({ batches: ledger.batches, events: ledger.events }).toEqual({ batches: 1, events: 3 });
});

test("late usage is not among the events that count", () => {
  const ledger = ledgerWith({ isClosed: () => true });
  ledger.count(batch("app", [event("a")]));
  expect({ events: ledger.events, late: ledger.late.cells.length }).toEqual({ events: 0, late: 1 });
});
