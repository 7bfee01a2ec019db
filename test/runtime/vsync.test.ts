import { describe, expect, test } from "vitest";
import { ConfigMissingError, InputError, Vsync } from "../../src/runtime/index.ts";
import { directoryVault, environmentOf, ITEMS, open, rejectionOf } from "./fixture.ts";

describe("a handle", () => {
  const variables: Record<string, string> = { API_KEY: "of the environment", ONLY_ENV: "e", BOTH: "env", BLANK: "" };
  const defaults = { API_KEY: "of the defaults", ONLY_DEFAULT: "d", BOTH: "default", toString: "own" };

  test.each([
    ["DATABASE_URL", ITEMS[0].data, "vault"],
    ["API_KEY", ITEMS[1].data, "vault"],
    ["EMPTY", "", "vault"],
    ["UMLAUT", ITEMS[3].data, "vault"],
    ["ONLY_ENV", "e", "env"],
    ["BOTH", "env", "env"],
    ["BLANK", "", "env"],
    ["ONLY_DEFAULT", "d", "default"],
    ["toString", "own", "default"],
    ["hasOwnProperty", undefined, "missing"],
    ["__proto__", undefined, "missing"],
    ["NOWHERE", undefined, "missing"],
    ["", undefined, "missing"],
  ] as const)("%j", async (name, value, source) => {
    const vault = await directoryVault();
    const v = await open(vault, { env: { ...environmentOf(vault), ...variables }, defaults });
    expect(v.get(name)).toBe(value);
    expect(v.source(name)).toBe(source);
    expect(v.has(name)).toBe(source !== "missing");
    expect(v.bytes(name)).toEqual(value === undefined ? undefined : new Uint8Array(Buffer.from(value)));
    if (value !== undefined) expect(v.require(name)).toBe(value);
    else expect(() => v.require(name)).toThrow(ConfigMissingError);
  });

  test("has generation, env and names", async () => {
    const vault = await directoryVault();
    await vault.push(ITEMS.slice(1));
    const v = await open(vault);
    expect([v.generation, v.env, v.ageMs]).toEqual([2, "prod", 0]);
    expect(v.keys()).toEqual(["API_KEY", "EMPTY", "UMLAUT"]);
    expect(v.files()).toEqual(["certs/sa.json"]);
  });

  test("looks up the environment at each call, and the defaults at open", async () => {
    const vault = await directoryVault();
    const env: Record<string, string> = environmentOf(vault);
    const changing = { LATE_DEFAULT: "first" };
    const v = await open(vault, { env, defaults: changing });
    expect(v.source("LATE")).toBe("missing");
    env["LATE"] = "now";
    changing.LATE_DEFAULT = "second";
    expect([v.get("LATE"), v.get("LATE_DEFAULT")]).toEqual(["now", "first"]);
  });

  test("uses process.env by default", async () => {
    const vault = await directoryVault();
    const v = await open(vault, { config: vault.config, passphrase: vault.passphrase, env: process.env });
    const plain = await Vsync.open({ config: vault.config, passphrase: vault.passphrase });
    process.env["VSYNC_TEST_LATE"] = "here";
    try {
      expect([v.get("VSYNC_TEST_LATE"), plain.get("VSYNC_TEST_LATE")]).toEqual(["here", "here"]);
    } finally {
      delete process.env["VSYNC_TEST_LATE"];
      await plain.close();
    }
  });
});

describe("a file of the vault", () => {
  test("gives bytes that the caller owns", async () => {
    const v = await open(await directoryVault());
    const bytes = v.bytes("certs/sa.json")!;
    expect(bytes).toEqual(ITEMS[4].data);
    bytes.fill(7);
    expect(v.bytes("certs/sa.json")).toEqual(ITEMS[4].data);
    expect([v.has("certs/sa.json"), v.source("certs/sa.json")]).toEqual([true, "vault"]);
  });

  test("does not give text, and says what to use", async () => {
    const v = await open(await directoryVault());
    for (const ask of [() => v.get("certs/sa.json"), () => v.require("certs/sa.json")]) {
      expect(ask).toThrow(
        expect.objectContaining({ name: "InputError", hint: expect.stringContaining("bytes(name)") }),
      );
    }
  });
});

test("require names the key, the vault and the next step, but no value", async () => {
  const v = await open(await directoryVault());
  const error = await rejectionOf(Promise.resolve().then(() => v.require("SMTP_URL")));
  expect(error).toMatchObject({
    code: "CONFIG_MISSING",
    message: '"SMTP_URL" is neither in [vsync gen=1 env=prod] nor in the environment',
    hint: expect.stringContaining("vsync set prod SMTP_URL"),
  });
});

describe("a closed handle", () => {
  const USES: Record<string, (v: Vsync) => unknown> = {
    get: (v) => v.get("API_KEY"),
    require: (v) => v.require("API_KEY"),
    has: (v) => v.has("API_KEY"),
    source: (v) => v.source("API_KEY"),
    bytes: (v) => v.bytes("API_KEY"),
    path: (v) => v.path("API_KEY"),
    keys: (v) => v.keys(),
    files: (v) => v.files(),
  };

  test.each(Object.keys(USES))("%s throws", async (name) => {
    const v = await open(await directoryVault(), { defaults: { API_KEY: "never in place of the vault" } });
    await v.close();
    const error = await rejectionOf(Promise.resolve().then(() => USES[name]!(v)));
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ message: "[vsync gen=1 env=prod] is closed", hint: expect.any(String) });
  });

  test("closes again, prints as before and keeps its generation and env", async () => {
    const v = await open(await directoryVault());
    await Promise.all([v.close(), v.close()]);
    await v.close();
    expect([String(v), v.generation, v.env]).toEqual(["[vsync gen=1 env=prod]", 1, "prod"]);
  });

  test("closes at the end of its block", async () => {
    const vault = await directoryVault();
    let kept: Vsync;
    {
      await using v = await Vsync.open({ env: environmentOf(vault) });
      expect(v.has("API_KEY")).toBe(true);
      kept = v;
    }
    expect(() => kept.get("API_KEY")).toThrow(/is closed/);
  });
});

test("handles are independent", async () => {
  const names = ["a", "b", "c", "d"];
  const vaults = await Promise.all(
    names.map((name) =>
      directoryVault({ env: name, passphrase: `passphrase of ${name}`, items: [{ name: "KEY", data: name }] }),
    ),
  );
  const opened = await Promise.all(vaults.flatMap((vault) => [open(vault), open(vault)]));
  expect(opened.map((v) => [v.env, v.get("KEY")])).toEqual(
    names.flatMap((name) => [
      [name, name],
      [name, name],
    ]),
  );
  await opened[0]!.close();
  expect(opened[1]!.get("KEY")).toBe("a");
});
