import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";

const TEXT = "correct-horse-battery-staple";
const secret = Secret.ofText(TEXT);

/** The text, and the usual encodings of its bytes. */
const LEAKS = [
  TEXT,
  Buffer.from(TEXT).toString("hex"),
  Buffer.from(TEXT).toString("base64"),
  Buffer.from(TEXT).toString("base64url"),
  [...Buffer.from(TEXT).subarray(0, 6)].join(", "),
  [...Buffer.from(TEXT).subarray(0, 6)].join(","),
  Buffer.from(TEXT).toString("hex").replace(/../g, "$& ").trim().slice(0, 20),
  '"0":99,"1":111',
];

function logged(write: (to: Console) => void): string {
  const stream = new PassThrough();
  write(new Console(stream, stream));
  return String(stream.read());
}

const cause = () => new Error("outer", { cause: new AggregateError([secret], "inner", { cause: { secret } }) });
const ways: readonly [string, () => string][] = [
  ["template", () => `${secret as unknown as string}`],
  ["concatenation", () => "the ".concat(secret as unknown as string)],
  ["String", () => String(secret)],
  ["join", () => [secret, secret].join()],
  ["toLocaleString", () => secret.toLocaleString()],
  ["inspect", () => inspect(secret)],
  ["inspect, hidden members, no custom printing", () => inspect(secret, { showHidden: true, customInspect: false })],
  ["inspect, deep, with getters", () => inspect({ a: [{ secret }] }, { depth: null, getters: true, showHidden: true })],
  ["inspect of a proxy", () => inspect(new Proxy(secret, {}), { showProxy: true, showHidden: true })],
  ["inspect in collections", () => inspect([new Map([[secret, secret]]), new Set([secret])], { showHidden: true })],
  ["inspect of its class", () => inspect(Object.getPrototypeOf(secret), { showHidden: true })],
  ["format", () => ["%s", "%o", "%O", "%j", "%d", "%i", "%f"].map((way) => format(way, secret)).join()],
  ["JSON", () => JSON.stringify({ secret, list: [secret] })],
  ["entries and keys", () => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret), { ...secret }])],
  ["error's cause", () => inspect(cause(), { depth: null, showHidden: true })],
  ["error's stack", () => String(new Error(String(secret)).stack)],
  ["console.log", () => logged((to) => to.log(secret, { secret }, [secret]))],
  ["console.dir", () => logged((to) => to.dir({ secret }, { showHidden: true, customInspect: false, depth: null }))],
  ["console.table", () => logged((to) => to.table([{ secret }]))],
  ["console.error of an error", () => logged((to) => to.error(cause()))],
  ["structured clone", () => inspect(structuredClone({ secret }), { showHidden: true })],
  ["V8's serialisation", () => serialize({ secret }).toString("latin1")],
];

test.each(ways)("%s does not print it", (_name, print) => {
  const printed = print();
  expect(printed.length).toBeGreaterThan(0);
  for (const leak of LEAKS) expect(printed).not.toContain(leak);
});

test("shows that it exists", () => {
  expect(inspect({ secret })).toBe("{ secret: [secret] }");
  expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
  expect(`the ${String(secret)}`).toBe("the [secret]");
});

describe("its bytes", () => {
  test("are unchanged", () => {
    for (const text of ["", " a ", "\ufeffx", "\u0000", "\u{1f511}"])
      expect(Secret.ofText(text).exposeText()).toBe(text);
  });

  test("throw as text if they are not UTF-8", () => {
    expect(() => Secret.ofBytes(Uint8Array.of(0xff)).exposeText()).toThrow(TypeError);
  });

  test("can be zeroed in place", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const it = Secret.ofBytes(bytes);
    it.destroy();
    expect(bytes).toEqual(new Uint8Array(3));
    expect(it.expose()).toBe(bytes);
  });

  test("are zeroed where a `using` ends", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    {
      using it = Secret.ofBytes(bytes);
      expect(it.expose()[0]).toBe(1);
    }
    expect(bytes).toEqual(new Uint8Array(3));
  });
});
