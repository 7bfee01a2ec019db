import { describe, expect, test } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { checkOptions } from "../../src/runtime/options.ts";
import { rejectionOf } from "./fixture.ts";

const WARN = { warn: () => {} };

describe("options that no type checker saw", () => {
  test.each([
    ["config", { config: 1 }],
    ["passphrase", { passphrase: Buffer.from("x") }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: 0.5 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["timeoutMs", { timeoutMs: Number.POSITIVE_INFINITY }],
    ["timeoutMs", { timeoutMs: 2 ** 31 }],
    ["timeoutMs", { timeoutMs: "1000" }],
    ["cache", { cache: "/tmp/x" }],
    ["maxAge", { maxAge: 1000 }],
    ["cache", { cache: 1, maxAge: 1000 }],
    ["maxAge", { cache: "/tmp/x", maxAge: -1 }],
    ["maxAge", { cache: "/tmp/x", maxAge: 0 }],
    ["maxAge", { cache: "/tmp/x", maxAge: Number.NaN }],
    ["maxAge", { cache: "/tmp/x", maxAge: "1d" }],
    ["maxAge", { cache: "/tmp/x", maxAge: "1000" }],
    ["defaults", { defaults: { PORT: 8080 } }],
    ["defaults", { defaults: { HOST: "localhost", PORT: 8080 } }],
    ["logger", { logger: {} }],
    ["logger", { logger: { warn: "loudly" } }],
  ])("%s in %o", async (name, options) => {
    const error = await rejectionOf(Vsync.open({ env: {}, ...options } as never));
    expect(error).toMatchObject({
      name: "InputError",
      message: expect.stringContaining(`the option ${name} `),
      hint: "see the options of Vsync.open in docs/library.md",
    });
  });
});

describe("accepted options", () => {
  test.each([
    {},
    { config: undefined, passphrase: undefined, cache: undefined, maxAge: undefined, logger: undefined },
    { config: "", passphrase: "" },
    { timeoutMs: 1 },
    { timeoutMs: 2 ** 31 - 1 },
    { cache: "/tmp/x", maxAge: 1 },
    { cache: "/tmp/x", maxAge: Number.MIN_VALUE },
    { cache: "/tmp/x", maxAge: Number.POSITIVE_INFINITY },
    { defaults: {} },
    { defaults: { PORT: "" } },
    { logger: WARN },
    { logger: console },
  ])("%o", (options) => {
    expect(() => checkOptions(options as never)).not.toThrow();
  });
});
