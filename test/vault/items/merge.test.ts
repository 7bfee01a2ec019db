import { expect, test } from "vitest";
import { mergeItems } from "../../../src/vault/items/merge.ts";
import { type Secrets, secretItems, secretsOf } from "../../support/world.ts";

function merged(base: Secrets | null, ours: Secrets, theirs: Secrets, settled: { ours?: string[]; theirs?: string[] }) {
  const { items, conflicts } = mergeItems({
    base: base && secretItems(base),
    ours: secretItems(ours),
    theirs: secretItems(theirs),
    settled: { ours: [], theirs: [], ...settled },
  });
  return [secretsOf(items), conflicts];
}

// Each row: the base, ours, theirs; the result and the conflicts; what was settled before.
test.each<[string, Secrets | null, Secrets, Secrets, Secrets, string[], { ours?: string[]; theirs?: string[] }?]>([
  ["each side's change", { A: "1", B: "1" }, { A: "2", B: "1" }, { A: "1", B: "2" }, { A: "2", B: "2" }, []],
  ["each side's new name", {}, { A: "1" }, { B: "1" }, { A: "1", B: "1" }, []],
  ["each side's removal", { A: "1", B: "1" }, { B: "1" }, { A: "1" }, {}, []],
  ["one change by both", { A: "1" }, { A: "2" }, { A: "2" }, { A: "2" }, []],
  ["two changes", { A: "1" }, { A: "2" }, { A: "3" }, { A: "2" }, ["A"]],
  ["a change and a removal", { A: "1", B: "1" }, { B: "2" }, { A: "2" }, { B: "2" }, ["A", "B"]],
  [
    "two changes, settled",
    { A: "1", B: "1" },
    { A: "2" },
    { A: "3", B: "3" },
    { A: "3" },
    [],
    { ours: ["B"], theirs: ["A"] },
  ],
  ["two ways", null, { A: "1", B: "1" }, { A: "1", B: "2", C: "1" }, { A: "1", B: "1" }, ["B", "C"]],
  ["what only ours has, two ways", null, { A: "1" }, {}, { A: "1" }, ["A"]],
  ["two ways, settled", null, { B: "1" }, { B: "2", C: "1" }, { B: "2", C: "1" }, [], { theirs: ["B", "C"] }],
])("keeps %s", (_, base, ours, theirs, items, conflicts, settled = {}) => {
  expect(merged(base, ours, theirs, settled)).toEqual([items, conflicts]);
});
