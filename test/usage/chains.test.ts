import { expect, test } from "vitest";
import { Chains } from "../../src/usage/chains.ts";

const link = (token: string, seq: number, prev: string | undefined, digest: string, instance = "a") => ({
  name: { token, day: "2026-11-30", ulid: digest },
  header: { instance, seq, ...(prev === undefined ? {} : { prev }) },
  digest,
});

const faultsOf = (...links: readonly ReturnType<typeof link>[]) => {
  const chains = new Chains();
  for (const it of links) chains.add(it);
  return chains.faults(true).map(({ kind, token }) => `${kind} ${token}`);
};

test("batches that follow each other have no fault, in any order", () => {
  expect(faultsOf(link("t", 2, "d1", "d2"), link("t", 1, undefined, "d1"), link("t", 3, "d2", "d3"))).toEqual([]);
});

test("a batch that names another one before it was written anew", () => {
  expect(faultsOf(link("t", 1, undefined, "d1"), link("t", 2, "dx", "d2"))).toEqual(["rewrite t"]);
});

test("each process of each token has a chain of its own", () => {
  const others = [link("u", 1, undefined, "e1"), link("t", 1, undefined, "f1", "b")];
  expect(faultsOf(link("t", 1, undefined, "d1"), ...others, link("t", 2, "d1", "d2"))).toEqual([]);
  expect(faultsOf(link("t", 1, undefined, "d1"), ...others, link("t", 3, "d2", "d3"))).toEqual(["gap t"]);
});
