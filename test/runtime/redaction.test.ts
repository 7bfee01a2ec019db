import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { directoryVault, environmentOf, open, rejectionOf } from "./fixture.ts";

const PLANTED = "planted-7f3a-secret";
const PASSPHRASE = "planted-passphrase-91c4";
const ACCESS_KEY = "planted/access+key";
const NEVER = [
  PLANTED,
  PASSPHRASE,
  ACCESS_KEY,
  Buffer.from(PLANTED).toString("base64"),
  Buffer.from(PLANTED).toString("hex"),
];

function printed(write: (to: Console) => void): string {
  const chunks: string[] = [];
  const stream = new Writable({ write: (chunk, _, done) => done(void chunks.push(String(chunk))) });
  write(new Console({ stdout: stream, stderr: stream }));
  return chunks.join("");
}

async function planted(): Promise<Vsync> {
  const items = [
    { name: "SECRET", data: PLANTED },
    { name: "file", kind: "file", data: PLANTED },
  ] as const;
  const vault = await directoryVault({ items, passphrase: PASSPHRASE });
  const v = await open(vault, { defaults: { FALLBACK: PLANTED } });
  v.get("SECRET");
  await v.path("file");
  return v;
}

/** The passphrase of vaults that do not use the fixture's. */
const OWN = "planted-passphrase-own";

const EVERYTHING = { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true };

describe("a handle prints as what it is", () => {
  const LABEL = "[vsync gen=1 env=prod]";
  const WAYS: Record<string, (v: Vsync) => [actual: string, expected: string]> = {
    String: (v) => [String(v), LABEL],
    "a template": (v) => [`${v}`, LABEL],
    "JSON.stringify": (v) => [JSON.stringify({ v }), `{"v":"${LABEL}"}`],
    inspect: (v) => [inspect(v), LABEL],
    "inspect, everything": (v) => [inspect({ v }, EVERYTHING), `{ v: ${LABEL} }`],
    "format %o": (v) => [format("%o", v), LABEL],
    "console.log": (v) => [printed((to) => to.log(v)), `${LABEL}\n`],
    "an error's message": (v) => [new Error(`cannot boot: ${v}`).message, `cannot boot: ${LABEL}`],
  };

  test.each(Object.keys(WAYS))("%s", async (way) => {
    const [actual, expected] = WAYS[way]!(await planted());
    expect(actual).toBe(expected);
  });
});

describe("no way of looking at a handle shows a secret", () => {
  const WAYS: Record<string, (v: Vsync) => unknown> = {
    "inspect without its own method": (v) => inspect(v, { ...EVERYTHING, customInspect: false }),
    "inspect of its prototype": () =>
      inspect(Vsync, EVERYTHING) + inspect(Vsync.prototype, { ...EVERYTHING, getters: false }),
    "console.dir": (v) => printed((to) => to.dir(v, EVERYTHING)),
    "console.table": (v) => printed((to) => to.table([v])),
    "own keys": (v) => [...Reflect.ownKeys(v), ...Object.entries(v)],
    "for in": (v) => {
      const seen: unknown[] = [];
      for (const key in v) seen.push(key);
      return seen;
    },
    spread: (v) => ({ ...v }),
    structuredClone: (v) => structuredClone(v),
    postMessage: (v) => {
      const { port1, port2 } = new MessageChannel();
      port1.postMessage({ v });
      const received = receiveMessageOnPort(port2);
      port1.close();
      return received;
    },
    "v8.serialize": (v) => serialize(v).toString("latin1"),
    "property descriptors": (v) => Object.getOwnPropertyDescriptors(v),
    "an error's cause": (v) => inspect(new Error("x", { cause: v }), EVERYTHING),
    "an assertion": (v) => {
      try {
        return expect(v).toEqual(1);
      } catch (error) {
        return inspect(error, EVERYTHING);
      }
    },
  };

  test.each(Object.keys(WAYS))("%s", async (way) => {
    const seen = WAYS[way]!(await planted());
    const text = `${typeof seen === "string" ? seen : inspect(seen, EVERYTHING)}`;
    for (const secret of NEVER) expect(text).not.toContain(secret);
  });
});

describe("no error shows a secret", () => {
  const FAILURES: Record<string, (vault: Awaited<ReturnType<typeof directoryVault>>) => Promise<unknown>> = {
    "a wrong passphrase": (vault) => Vsync.open({ config: vault.config, passphrase: PASSPHRASE }),
    "an altered token": (vault) => Vsync.open({ config: `${tokenWithKey(vault)}A`, passphrase: PASSPHRASE }),
    "a token in the place of the passphrase's file": (vault) =>
      Vsync.open({ env: { VSYNC_CONFIG_FILE: PASSPHRASE, VSYNC_PASSPHRASE: vault.passphrase } }),
    "a store that nobody serves": (vault) => Vsync.open({ config: tokenWithKey(vault), passphrase: PASSPHRASE }),
    "a deadline": (vault) => Vsync.open({ config: tokenWithKey(vault), passphrase: PASSPHRASE, timeoutMs: 1 }),
    "text of a file": async (vault) => (await open(vault)).get("file"),
    "a name that is missing": async (vault) => (await open(vault, { defaults: { F: PLANTED } })).require("MISSING"),
    "a closed handle": async (vault) => {
      const v = await Vsync.open({ env: environmentOf(vault) });
      await v.close();
      return v.require("SECRET");
    },
  };

  test.each(Object.keys(FAILURES))("%s", async (name) => {
    const items = [
      { name: "SECRET", data: PLANTED },
      { name: "file", kind: "file", data: PLANTED },
    ] as const;
    const vault = await directoryVault({ items, passphrase: OWN });
    const error = (await rejectionOf(FAILURES[name]!(vault))) as Error;
    const text = [String(error), error.stack, JSON.stringify(error), inspect(error, EVERYTHING)].join("\n");
    expect(error).toHaveProperty("code");
    for (const secret of [...NEVER, OWN]) expect(text).not.toContain(secret);
  });
});

function tokenWithKey(vault: Awaited<ReturnType<typeof directoryVault>>): string {
  return vault.configWith({
    endpoint: "http://127.0.0.1:1",
    credentials: undefined,
    accessKeyId: "AKIAFAKE",
    secretAccessKey: ACCESS_KEY,
  } as never);
}
