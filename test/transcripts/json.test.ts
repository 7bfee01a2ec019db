import { afterAll, beforeAll, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
});
afterAll(() => home[Symbol.asyncDispose]());

const json = async (args: readonly string[], stdin?: string): Promise<unknown> => {
  const { stdout, stderr, exitCode } = await home.run([...args, "--json"], stdin === undefined ? {} : { stdin });
  expect(exitCode, stderr).toBe(0);
  expect(stdout + stderr).not.toContain("planted");
  return JSON.parse(stdout);
};
const report = (
  gen: number,
  written: boolean,
  changes: Partial<Record<"added" | "changed" | "removed", string[]>>,
) => ({
  env: "prod",
  gen,
  written,
  added: [],
  changed: [],
  removed: [],
  ...changes,
});

test("what changes a vault says what became of it, in the same fields", async () => {
  const push = ["push", "prod", "--from=-"];
  expect(await json(push, "A=planted 1\nB=planted\n")).toEqual(report(1, true, { added: ["A", "B"] }));
  expect(await json(push, "A=planted 1\nB=planted\n")).toEqual(report(1, false, {}));
  const set = ["set", "prod", "A", "--from-file=-"];
  expect(await json(set, "planted 2")).toEqual(report(2, true, { changed: ["A"] }));
  expect(await json(set, "planted 2")).toEqual(report(2, false, {}));
  expect(await json(["unset", "prod", "B"])).toEqual(report(3, true, { removed: ["B"] }));
  const restored = { ...report(4, true, { added: ["B"], changed: ["A"] }), from_gen: 1 };
  expect(await json(["restore", "prod", "--gen=1"])).toEqual(restored);
  const again = { ...report(4, false, {}), from_gen: 1, gen: null };
  expect(await json(["restore", "prod", "--gen=1"])).toEqual(again);
});

test("pull says which files it wrote", async () => {
  await home.push({ A: "planted" });
  const { gen } = (await json(["history", "prod"])) as { gen: number };
  const pulled = (state: string) => ({ env: "prod", gen, files: [{ path: ".env.prod", state }] });
  expect(await json(["pull", "prod"])).toEqual(pulled("added"));
  expect(await json(["pull", "prod"])).toEqual(pulled("unchanged"));
  await home.sandbox.write("work/.env.prod", "A=other\n");
  expect(await json(["pull", "prod", "--force"])).toEqual(pulled("changed"));
});

test("policy takes --json like the others", async () => {
  const args = ["policy", "--role=reader", "--bucket=acme", "--env=dev", "--region=eu-central-1"];
  expect(await json(args)).toEqual(JSON.parse((await home.must(...args)).stdout));
});

test("a failure leaves stdout empty", async () => {
  const ran = await home.run(["unset", "prod", "NOPE", "--json"]);
  expect(ran).toMatchObject({ stdout: "", exitCode: 1 });
});
