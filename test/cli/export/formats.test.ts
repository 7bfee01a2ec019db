/** @module-tag process */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseWithDotenv } from "dotenv";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { type ExportFormat, encodeItems } from "../../../src/cli/export/formats.ts";
import { checkMetadata } from "../../../src/cli/export/k8s.ts";
import { parseDotenv } from "../../../src/cli/items/dotenv/dotenv.ts";
import type { Item } from "../../../src/vault/format/item.ts";
import { file, SEED, secret, secretsOf, value, valuesByName } from "../exported-items.ts";
import { rows } from "../rows.ts";

const METADATA = { name: "api", namespace: "web" };
const encode = (items: readonly Item[], format: ExportFormat): string => encodeItems(items, format, METADATA);

describe("shell", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const shells = ["/bin/sh", "/bin/bash", "/bin/dash", "/bin/zsh", "/bin/busybox"].filter((it) => existsSync(it));

  test("finds a shell to test with", () => expect(shells).toContain("/bin/sh"));

  test.each(shells)("%s evaluates it to the same values, and runs nothing", async (shell) => {
    const property = fc.property(valuesByName(value), (values) => {
      expect(evaluated(shell, encode(secretsOf(values), "shell"), Object.keys(values))).toEqual(values);
    });
    fc.assert(property, { seed: SEED, numRuns: 40 });
    expect(await readdir(folder)).toEqual([]);
  });

  /** The variables that a program started by the shell sees. */
  function evaluated(shell: string, text: string, names: readonly string[]): Record<string, string> {
    const script = 'eval "$(cat)"; exec /usr/bin/env -0';
    const args = shell.endsWith("busybox") ? ["sh", "-c", script] : ["-c", script];
    const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent", LANG: "C.UTF-8" };
    const ran = spawnSync(shell, args, { input: text, env, cwd: folder, encoding: "utf8" });
    expect(ran.stderr).toBe("");
    const seen = new Map(
      ran.stdout.split("\0").map((it) => [it.slice(0, it.indexOf("=")), it.slice(it.indexOf("=") + 1)]),
    );
    return Object.fromEntries(names.map((name) => [name, seen.get(name) ?? "(unset)"]));
  }
});

test("dotenv: vsync and the dotenv package read the same values, or the item is refused", () => {
  let refused = 0;
  const property = fc.property(valuesByName(value), (values) => {
    const kept = Object.entries(values).filter(([name, text]) => isDotenv(secret(name, text)) || !++refused);
    const text = encode(secretsOf(Object.fromEntries(kept)), "dotenv");
    expect(parseWithDotenv(text)).toEqual(Object.fromEntries(kept));
    const read = parseDotenv(Buffer.from(text), "export").entries.map((it) => [it.name, it.value.exposeText()]);
    expect(read).toEqual(kept);
  });
  fc.assert(property, { seed: SEED, numRuns: 2000 });
  expect(refused).toBeGreaterThan(0);
});

function isDotenv(item: Item): boolean {
  try {
    return encode([item], "dotenv") !== "";
  } catch (error) {
    const message = `dotenv cannot carry "${item.name}": no quoting keeps its value`;
    expect(error).toMatchObject({ name: "InputError", message });
    // A refused value has all three quotes, or a carriage return or backslash that no quoting keeps.
    expect(item.data.exposeText()).toMatch(/['"`\r\\]/);
    return false;
  }
}

test("json: JSON.parse reads the same values, and a file's bytes and mode", () => {
  const bytes = Uint8Array.of(0, 255, 10);
  const files = { "certs/ca.pem": { base64: "AP8K", mode: "0640" }, plain: { base64: "AP8K" } };
  const property = fc.property(valuesByName(value), (values) => {
    const text = encode([...secretsOf(values), file("certs/ca.pem", bytes, 0o640), file("plain", bytes)], "json");
    expect(JSON.parse(text)).toEqual({ ...values, ...files });
    expect(text).not.toMatch(/[\u001b\u0085\u2028\ufeff]/);
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

test("k8s: a YAML library reads the Secret back with the same bytes, for keys of any form", () => {
  const words = ["NO", "y", "null", "1e3", "0x1F", "1", "-", "tls.crt", ".dockerconfigjson", "2020-01-01", "__proto__"];
  const key = fc.oneof(fc.constantFrom(...words), fc.stringMatching(/^[-_A-Za-z0-9][-._A-Za-z0-9]{0,20}$/));
  const entry = fc.tuple(key, fc.uint8Array({ maxLength: 40 }));
  const entries = fc.uniqueArray(entry, { selector: ([name]) => name, maxLength: 12 });
  const property = fc.property(entries, (expected) => {
    const items = expected.map(([name, data]) => file(name, data));
    const document = parseYaml(encodeItems(items, "k8s", { name: "1e3" }));
    expect(document).toMatchObject({ apiVersion: "v1", kind: "Secret", metadata: { name: "1e3" }, type: "Opaque" });
    const data = Object.entries(document.data as Record<string, string>);
    const bytesIn = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));
    expect(new Map(data.map(([name, base64]) => [name, bytesIn(base64)]))).toEqual(new Map(expected));
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
  const empty = parseYaml(encode([], "k8s"));
  expect(empty).toMatchObject({ metadata: METADATA });
  expect(empty.data).toEqual({});
  const annotated = parseYaml(encode([file("A", Uint8Array.of(1), 0o640), file("b.crt", Uint8Array.of(1))], "k8s"));
  expect(annotated.metadata.annotations).toEqual({ "vsync-files": "A=0640,b.crt" });
});

test.each<[ExportFormat, string]>([
  ["json", '{\n  "__proto__": "x y"\n}\n'],
  ["dotenv", "__proto__='x y'\n"],
  ["docker", "__proto__=x y\n"],
  ["shell", "export __proto__='x y'\n"],
])("%s carries a secret called __proto__", (format, text) => {
  expect(encode([secret("__proto__", "x y")], format)).toBe(text);
});

describe("an item that a format cannot carry is named, and so are the formats that can", () => {
  const LONG = "1".repeat(65_534);
  test.each(rows`
    dotenv docker shell │ FILE   │       │ it is a file                                                    │ json k8s
    dotenv docker shell │ A      │ a␀b   │ its value has a NUL character                                   │ json k8s
    dotenv shell        │ my.key │ 1     │ its name is not one that a variable can have                    │ json
    shell               │ A;id   │ 1     │ its name is not one that a variable can have                    │ json
    docker              │ #A     │ 1     │ its name has white space, a # or a =                            │ json
    docker              │ A=B    │ 1     │ its name has white space, a # or a =                            │ json
    docker              │ A\u00a0B │ 1   │ its name has white space, a # or a =                            │ json
    docker              │ A      │ 1⏎2   │ its value has a line end                                        │ shell json k8s
    docker              │ A      │ 1⊣    │ its value ends with a carriage return                           │ shell json k8s
    docker              │ A      │ LONG  │ its line would be longer than 65535 bytes                       │ json k8s
    k8s                 │ certs/ca │ 1   │ a key may only have letters, digits, dashes, underscores and dots   │ json
    k8s                 │ ..data │ 1     │ a key may only have letters, digits, dashes, underscores and dots   │ json
  `)("%s: %j", (formats = "", name = "", text = "", why = "", carriers = "") => {
    const named = JSON.parse(`"${name}"`) as string;
    const item = name === "FILE" ? file(named, Uint8Array.of(1)) : secret(named, text === "LONG" ? LONG : text);
    for (const format of formats.split(" ") as ExportFormat[]) {
      const others = carriers.split(" ").map((it) => `--format=${it}`);
      const message = `${format} cannot carry ${JSON.stringify(named)}: ${why}`;
      const hint = `${others.join(" or ")} carries it; or leave it out with --except=${named}`;
      expect(() => encode([secret("FINE", "1"), item], format)).toThrow(
        expect.objectContaining({ name: "InputError", message, hint }),
      );
    }
    for (const carrier of carriers.split(" ") as ExportFormat[]) encode([item], carrier);
  });

  test("k8s: more than a Secret holds", () => {
    const items = [file("a", new Uint8Array(1024 * 1024)), secret("B", "1")];
    const message = "this would be a Secret of 1048577 bytes, and Kubernetes allows 1048576";
    expect(() => encode(items, "k8s")).toThrow(expect.objectContaining({ message }));
    expect(encode(items.slice(0, 1), "k8s")).toContain("AAAA");
  });

  test.each(["Api", "-api", "api-", "a..b", "a_b", "", "a".repeat(254), "a\nb: c"])("k8s: the name %j", (name) => {
    const refused = expect.objectContaining({ message: "--name is not a valid name in Kubernetes" });
    expect(() => encodeItems([], "k8s", { name })).toThrow(refused);
    expect(() => checkMetadata("k8s", { name })).toThrow(refused);
    expect(() => checkMetadata("json", { name })).toThrow("--name and --namespace are for a Kubernetes Secret");
  });
});
