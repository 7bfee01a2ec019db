import { expect, test } from "vitest";
import { type Group, measure } from "./measure.ts";
import type { Results, Row } from "./results.ts";
import { QUICK } from "./world.ts";

const rowOf = (name: string): Row => ({
  group: "a group",
  name,
  program: "control",
  wallMs: { runs: 1, median: 1, min: 1, max: 1 },
});

/** A group that measures one row with its name. */
const finding =
  (name: string): Group =>
  async (_world, found) =>
    void found.rows.push(rowOf(name));

test("names a group that fails, and saves the other groups' results one by one", async () => {
  const lines: string[] = [];
  const saved: Results[] = [];
  const save = (results: Results) => void saved.push(structuredClone(results));
  const failing: Group = async () => {
    throw new Error("the disk is full");
  };
  const groups = { first: finding("first"), failing, last: finding("last") };
  const failed = await measure(QUICK, [], { say: (line) => lines.push(line), save }, groups);
  expect(failed).toEqual(["failing"]);
  expect(saved.map(({ rows }) => rows.map(({ name }) => name))).toEqual([["first"], ["first"], ["first", "last"]]);
  expect(lines.find((line) => line.startsWith("failing failed: "))).toContain("the disk is full");
});
