import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import { mutatedBytes, sampled } from "../../test/support/samples.ts";
import { Dice } from "../soak/dice.ts";
import { Fuzzer } from "./campaign.ts";
import { kept, targets } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { mutated } from "./mutate.ts";
import { bytesOf, checkRefusal, type Target, textOf } from "./target.ts";

const all = await targets();

describe.each(all.map((target) => [target.name, target] as const))("%s", (_name, target) => {
  const corpus = [...target.seeds, ...kept(target, "corpus"), ...kept(target, "regressions")];

  test("keeps its promises for the inputs that the fuzzer has kept", async () => {
    for (const input of corpus) await target.run(input);
  });

  test("keeps its promises for variations of these inputs", async () => {
    const examples = kept(target, "regressions").map((input): [Uint8Array] => [input]);
    const near = fc.constantFrom(...corpus).chain((input) => mutatedBytes(input));
    const property = fc.asyncProperty(near, async (input) => void (await target.run(input)));
    await fc.assert(property, { ...sampled<[Uint8Array]>(120), examples });
  });
});

test("every target accepts one of its seeds", async () => {
  for (const target of all) {
    const taken = [];
    for (const seed of target.seeds) taken.push(await target.run(seed));
    expect(taken, target.name).toContain(true);
  }
});

test("every corpus file belongs to a target", () => {
  const names = all.map(({ name }) => `${name}.txt`);
  for (const kind of ["corpus", "regressions"]) {
    const found = readdirSync(new URL(kind, import.meta.url)).filter((name) => name.endsWith(".txt"));
    expect(names).toEqual(expect.arrayContaining(found));
  }
});

describe("the fuzzer", () => {
  const stumbles: Target = {
    name: "stumbles",
    seeds: [bytesOf('{"a":1}')],
    run(bytes) {
      if (textOf(bytes).includes("__proto__")) throw new TypeError("stumbled");
      return true;
    },
  };

  test("finds an input that breaks a promise, and reports it", async () => {
    using coverage = new Coverage();
    const { failure } = await new Fuzzer(stumbles, coverage, 1, () => undefined).run(60_000);
    expect(failure).toMatch(/^[\w+/=]+: TypeError: stumbled/);
    const [input = ""] = failure?.split(":") ?? [];
    expect(Buffer.from(input, "base64").toString()).toContain("__proto__");
  });

  test("notices code that runs for the first time", async () => {
    const [token, note] = ["token", "note"].map((name) => all.find((it) => it.name === name));
    using coverage = new Coverage();
    await token?.run(bytesOf("vsync-cfg-v1:"));
    expect(coverage.takeNew()).toBeGreaterThan(0);
    await token?.run(bytesOf("vsync-cfg-v1:"));
    expect(coverage.takeNew()).toBe(0);
    await note?.run(bytesOf("x"));
    expect(coverage.takeNew()).toBeGreaterThan(0);
  });

  test("makes the same inputs from the same seed", () => {
    const [one, other] = [bytesOf('{"a":1,"b":"c"}'), bytesOf("other")];
    const made = (seed: number) => {
      const dice = new Dice(seed);
      return Array.from({ length: 50 }, () => Buffer.from(mutated(dice, one, other)).toString("hex"));
    };
    expect(made(3)).toEqual(made(3));
    expect(made(3)).not.toEqual(made(4));
    expect(new Set(made(3)).size).toBeGreaterThan(30);
  });

  test("does not count other errors, or messages with control characters, as refusals", () => {
    expect(() => checkRefusal(new TypeError("oops"), [InputError])).toThrow("oops");
    expect(() => checkRefusal(new InputError("a\u001b[31m", { hint: "" }), [InputError])).toThrow(
      "an unprintable message",
    );
    expect(() => checkRefusal(new InputError("plain", { hint: "" }), [InputError])).not.toThrow();
  });
});
