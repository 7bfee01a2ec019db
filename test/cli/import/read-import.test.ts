import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { encodeItems } from "../../../src/cli/export/formats.ts";
import { type ImportFormat, type ImportInput, readImport } from "../../../src/cli/import/read-import.ts";
import type { Doubt } from "../../../src/cli/items/dotenv/doubts.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import type { NamedData } from "../../../src/vault/items/changes.ts";
import { file, SEED, secretsOf, value, valuesByName } from "../exported-items.ts";
import { rows } from "../rows.ts";

interface Got {
  readonly items: Record<string, string>;
  readonly warnings: string;
  readonly doubts: readonly Doubt[];
}

async function read(
  input: string | Uint8Array,
  format?: ImportFormat,
  from = "-",
  names: Partial<ImportInput> = {},
): Promise<Got> {
  const stdin = new Stdin(
    () => Readable.from([Buffer.from(input)]),
    () => false,
  );
  let warnings = "";
  const sink = { write: (text: string | Uint8Array) => (warnings += String(text)) };
  const { items, doubts } = await readImport({ from, format, ...names }, { stdin, output: new Output(sink, sink, {}) });
  return { items: Object.fromEntries(items.map((item) => [item.name, shown(item)])), warnings, doubts };
}

/** A secret as its text, a file as its mode and base64. */
function shown({ kind, mode, data }: NamedData): string {
  if (kind === "secret") return data.exposeText();
  return `file ${mode?.toString(8) ?? "-"} ${Buffer.from(data.expose()).toString("base64")}`;
}

const formatOf = (text = ""): ImportFormat | undefined => (text === "-" ? undefined : (text as ImportFormat));
/** The first four lines of a Kubernetes object. */
const K8S = (kind: string) => `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: api\n`;
const withHead = (text = "") => text.replaceAll(/<(Secret|ConfigMap)>\n?/g, (_, kind: string) => K8S(kind));

describe("values", () => {
  test.each(rows`
    dotenv │ A='x y' # c⏎B="1⏎2"                     │ {"A": "x y", "B": "1\n2"}
    docker │ A='x y' # c⏎# c⏎  B= 1 ⊣⏎C=⏎⏎D==#       │ {"A": "'x y' # c", "B": " 1 ", "C": "", "D": "=#"}
    json   │ {"A": "x\n\u00e9", "B": "", "C": "\ud83d\ude00"} │ {"A": "x\né", "B": "", "C": "😀"}
    json   │ {"A": 1.10, "B": 12345678901234567890, "C": 1E3, "D": true, "E": -0} │ {"A": "1.10", "B": "12345678901234567890", "C": "1E3", "D": "true", "E": "-0"}
    json   │ {"__proto__": "1", "constructor": "2"}   │ {"__proto__": "1", "constructor": "2"}
    json   │ {"certs/ca.pem": {"base64": "AP8K", "mode": "0640"}, "b": {"base64": ""}} │ {"certs/ca.pem": "file 640 AP8K", "b": "file - "}
    yaml   │ # c⏎A: plain text⏎B: 'it''s'⏎C: "x\ty"   │ {"A": "plain text", "B": "it's", "C": "x\ty"}
    yaml   │ D: |⏎  two⏎  lines⏎E: >-⏎  one⏎  line⏎   │ {"D": "two\nlines\n", "E": "one line"}
    yaml   │ A: 0x1F⏎B: True⏎C: yes⏎D: 1.10⏎E: 010    │ {"A": "0x1F", "B": "True", "C": "yes", "D": "1.10", "E": "010"}
    yaml   │ F: .inf⏎G: 2026-01-01⏎H: 1_000⏎'I': 1:30 │ {"F": ".inf", "G": "2026-01-01", "H": "1_000", "I": "1:30"}
    json   │ [{"key": "A", "value": "1", "protected": false}, {"name": "B", "value": 2}] │ {"A": "1", "B": "2"}
    json   │ [{"key": "A", "name": "A", "value": "1"}, {"key": "B", "name": null, "value": "2"}] │ {"A": "1", "B": "2"}
    yaml   │ - name: A⏎  value: x y⏎- {name: B, value: "2"} │ {"A": "x y", "B": "2"}
    -      │ [ {"name": "A", "value": "1"} ]          │ {"A": "1"}
    k8s    │ <Secret>⏎data:⏎  A: MQ==⏎  B: b2xk⏎stringData:⏎  B: new⏎  port: 5432 │ {"A": "1", "B": "new", "port": "5432"}
    k8s    │ <Secret>⏎data:⏎  tls.crt: AP8K⏎  BIN: /w==⏎  NUL: AA== │ {"tls.crt": "file - AP8K", "BIN": "file - /w==", "NUL": "file - AA=="}
    k8s    │ <Secret>⏎data:⏎  A: |⏎    YWJj⏎    ZGVm⏎ │ {"A": "abcdef"}
    k8s    │ apiVersion: v1⏎kind: List⏎items:⏎- kind: Secret⏎  data: {A: MQ==}⏎- kind: Secret⏎  data: {B: Mg==} │ {"A": "1", "B": "2"}
    k8s    │ {"apiVersion":"v1","kind":"SecretList","items":[{"data":{"A":"MQ=="}}]} │ {"A": "1"}
    k8s    │ ---⏎<Secret>⏎data: {A: MQ==}⏎---⏎<Secret>⏎stringData: {B: "2"}⏎---⏎ │ {"A": "1", "B": "2"}
    -      │ {"A": "1"}                               │ {"A": "1"}
    -      │ ⏎ {"apiVersion": "v1", "kind": "Secret", "stringData": {"A": "1"}} │ {"A": "1"}
    -      │ <Secret>⏎stringData: {A: "1"}            │ {"A": "1"}
  `)("%s: %j holds %s", async (format, text, items) => {
    const got = (await read(withHead(text), formatOf(format))).items;
    // Compared as maps, because toEqual ignores an own property named __proto__.
    expect(new Map(Object.entries(got))).toEqual(new Map(Object.entries(JSON.parse(items ?? "") as object)));
  });

  test("a byte order mark is not part of the first name", async () => {
    expect((await read("\ufeffA=1", "docker")).items).toEqual({ A: "1" });
  });

  test("dotenv names that no variable can have are mapped like others", async () => {
    const text = "a.b=1\nc-d=$$x\n";
    const { items, doubts } = await read(text, "dotenv", "-", { upper: true, rename: ["a.b=AB"] });
    expect({ items, doubts }).toEqual({ items: { AB: "1", C_D: "$$x" }, doubts: [{ name: "C_D", about: "$$" }] });
    await expect(read(text, "dotenv")).rejects.toThrow("stdin: line 1 has a name a.b that no variable can have");
  });

  test.each(rows`
    db-password: hunter22           │ db-password
    pass: "/w=="⏎  tls.p12: "/w==" │ pass
    N: AA==                         │ N
  `)("k8s: %j: names what becomes a file but perhaps should not, also with --upper", async (data, name) => {
    for (const upper of [false, true]) {
      const { warnings } = await read(withHead(`<Secret>data:\n  ${data}\n`), "k8s", "-", { upper });
      expect(warnings.match(/\S+(?= becomes a file, because it is not text once decoded)/g)).toEqual([name]);
    }
  });

  test("names a variable that becomes a file, because it may never have been encoded", async () => {
    const { items, warnings } = await read(withHead("<Secret>data:\n  TOKEN: hunter22\n  PORT: ODA=\n"), "k8s");
    expect(items).toEqual({ TOKEN: "file - hunter22", PORT: "80" });
    expect(warnings).toBe(
      "vsync: warning: stdin: line 6: TOKEN becomes a file, because it is not text once decoded: " +
        "if it was never encoded, move it to stringData\n",
    );
  });

  test("names that no variable can have become files, in one warning; --rename makes them variables", async () => {
    const secret = withHead("<Secret>data: {db-password: eA==, tls.crt: eQ==, bin.der: /w==}\n");
    const { items, warnings } = await read(secret, "k8s");
    expect(items).toEqual({ "db-password": "file - eA==", "tls.crt": "file - eQ==", "bin.der": "file - /w==" });
    expect(warnings).toBe(
      "vsync: warning: these become files, because no variable can have such a name: db-password, tls.crt; " +
        "with --rename=db-password=DB_PASSWORD, or --upper, it becomes a secret\n",
    );
    const renamed = await read(secret, "k8s", "-", { rename: ["db-password=DB_PASSWORD"] });
    expect(renamed.items).toEqual({ DB_PASSWORD: "x", "tls.crt": "file - eQ==", "bin.der": "file - /w==" });
    const json = '{"my-key": "1", "B": "2"}';
    expect((await read(json, "json", "-", { rename: ["my-key=A", "B=C"] })).items).toEqual({ A: "1", C: "2" });
    expect((await read("A=1", "dotenv", "-", { rename: ["A=B"] })).items).toEqual({ B: "1" });
    const refused = (rename: string) => expect(read(json, "json", "-", { rename: ["my-key=A", rename] })).rejects;
    await refused("my_key=D").toThrow("stdin has no name my_key");
    await refused("my-key=E").toThrow("--rename names my-key twice");
    await refused("my-key").toThrow("--rename must be <name>=<name>");
    await refused("B=A").toThrow("stdin: line 1 has a name A that appears twice: also at stdin: line 1");
  });

  test("--upper renames secrets, not files", async () => {
    const secret = withHead("<Secret>data: {db-password: eA==, bin.der: /w==}\n");
    expect((await read(secret, "k8s", "-", { upper: true })).items).toEqual({
      DB_PASSWORD: "x",
      "bin.der": "file - /w==",
    });
    const json = '{"db.url": "1", "keep": "2"}';
    const names = { upper: true, rename: ["keep=keep"] };
    expect((await read(json, "json", "-", names)).items).toEqual({ DB_URL: "1", keep: "2" });
    await expect(read('{"a-b": "1", "a.b": "2"}', "json", "-", { upper: true })).rejects.toThrow("appears twice");
  });

  test("--flatten joins the names of nested values", async () => {
    const nested = { flatten: "__" };
    const yaml = "db:\n  hosts: [h1, {name: h2}]\n  port: 5432\nA: x\n";
    const items = { db__hosts__0: "h1", db__hosts__1__name: "h2", db__port: "5432", A: "x" };
    expect((await read(yaml, "yaml", "-", nested)).items).toEqual(items);
    const json = '{"a": {"b": {"base64": "AA=="}, "c": ""}}';
    expect((await read(json, "json", "-", nested)).items).toEqual({ a__b: "file - AA==", a__c: "" });
    const list = '[{"name": "a", "value": {"b": "1"}}, {"name": "c", "value": "2"}]';
    expect((await read(list, "json", "-", nested)).items).toEqual({ a__b: "1", c: "2" });
    await expect(read('{"a": {}}', "json", "-", nested)).rejects.toThrow("line 1 holds more than a value: a.");
    await expect(read("a:\n  b:\n", "yaml", "-", nested)).rejects.toThrow("line 2 has no value for a__b");
    await expect(read('{"a__b": "1", "a": {"b": "2"}}', "json", "-", nested)).rejects.toThrow("appears twice");
    await expect(read("A=1", "dotenv", "-", nested)).rejects.toThrow("--flatten is for nested JSON and YAML");
  });

  test("12 MiB of escapes in JSON take no longer than other text", async () => {
    const large = '\n"'.repeat(3 * 1024 * 1024);
    expect((await read(JSON.stringify({ A: large }), "json")).items).toEqual({ A: large });
  });

  test("objects of other kinds are skipped, with a warning", async () => {
    const { items, warnings } = await read(withHead("<ConfigMap>data: {A: x}\n---\n<Secret>data: {B: MQ==}\n"), "k8s");
    expect(items).toEqual({ B: "1" });
    expect(warnings).toBe("vsync: warning: stdin: line 1: left out, not a Secret but ConfigMap\n");
  });
});

describe("a refusal names the line, and shows no value", () => {
  const DEEP = `{"A":${"[".repeat(200)}${"]".repeat(200)}}`;
  const ENDLESS = `A: ${"[".repeat(100_000)}`;

  test.each(rows`
    docker │ A=1⏎hunter2                          │ stdin: line 2 has no value
    docker │ A B=hunter2                          │ stdin: line 1 has a name that no variable can have
    docker │ A=1⏎A=hunter2                        │ stdin: line 2 has a name A that appears twice: also at stdin: line 1
    docker │ A=1⏎B=hunter2␀                       │ stdin: line 2 has a NUL character in B
    json   │ {"A": hunter2}                       │ stdin: line 1 is not JSON (column 7)
    json   │ DEEP                                 │ stdin: line 1 nests deeper than 100 levels
    json   │ A: hunter2                           │ stdin: line 1 is not JSON (column 1)
    json   │ {"A": "1",⏎"A": "hunter2"}           │ stdin: line 2 has a key A that appears twice: also on line 1
    json   │ ["hunter2"]                          │ stdin: line 1 is not an object of names and values
    json   │ [{"name": "A"}]                      │ stdin: line 1 is not an object of names and values
    json   │ [{"name": "A", "value": ["hunter2"]}] │ stdin: line 1 holds more than a value: A[0]
    json   │ [{"key": "A", "value": "1"},⏎{"key": "A", "value": "2"}] │ stdin: line 2 has a name A that appears twice: also at stdin: line 1
    json   │ [{"key": "A", "value": "1"},⏎{"key": "B", "name": "C", "value": "hunter2"}] │ stdin: line 2 has a key and a name that differ
    json   │ {"A": "1",⏎ "db": {"url": ["hunter2"]}} │ stdin: line 2 holds more than a value: db.url[0]
    json   │ {"A": null}                          │ stdin: line 1 has no value for A
    json   │ {"my-key": "hunter2"}                │ stdin: line 1 has a name my-key that no variable can have
    json   │ {"hunter2 /+x": "1"}                 │ stdin: line 1 has a name that no variable can have
    json   │ {"A": "hunter2\u0000"}               │ stdin: line 1 has a NUL character in A
    json   │ {"A": "ENC[AES256_GCM,data:hunter2"} │ stdin: line 1 has a value of A that sops encrypted
    dotenv │ A=encrypted:BASE64                   │ stdin: line 1 has a value of A that dotenvx encrypted
    yaml   │ $ANSIBLE_VAULT;1.1;AES256⏎613162     │ stdin is encrypted with Ansible Vault
    dotenv │ age-encryption.org/v1⏎-> X25519 a    │ stdin is encrypted with age
    dotenv │ ␀GITCRYPT␀A=hunter2                  │ stdin is encrypted with git-crypt
    dotenv │ version https://git-lfs.github.com/spec/v1⏎size 5 │ stdin is a Git LFS pointer and not the file itself
    json   │ {"A": "hunter2\ud83d"}               │ stdin: line 1 has half a surrogate pair in A
    yaml   │ B: 1⏎A: "\udc00hunter2"              │ stdin: line 2 has half a surrogate pair in A
    k8s    │ <Secret>⏎stringData: {A: "\ud83d"}   │ stdin: line 5 has half a surrogate pair in A
    json   │ {"a": {"base64": "AA==", "x": 1}}    │ stdin: line 1 holds more than a value: a.base64
    json   │ {"a": {"base64": "hunter2"}}         │ stdin: line 1 has a value that is not base64
    json   │ {"a": {"base64": "", "mode": "4755"}} │ stdin: line 1 has a file with an invalid mode
    json   │ {"../a": {"base64": ""}}             │ stdin: line 1 has a file whose name must not have a segment . or ..
    json   │ {}                                   │ stdin holds no names
    yaml   │ A: 1⏎db:⏎  host: hunter2⏎            │ stdin: line 2 holds more than a value: db.host
    yaml   │ A:⏎- hunter2⏎                        │ stdin: line 1 holds more than a value: A[0]
    yaml   │ A:⏎B: 1                              │ stdin: line 1 has no value for A
    yaml   │ A: 1⏎B: !!str hunter2                │ stdin: line 2 has a tag
    yaml   │ A: !hunter2 x                        │ stdin: line 1 has a tag
    yaml   │ !!str A: hunter2                     │ stdin: line 1 has a tag
    yaml   │ A: &a hunter2⏎B: *a                  │ stdin: line 2 has an alias
    yaml   │ x: &x {A: hunter2}⏎<<: *x            │ stdin: line 2 has an alias
    yaml   │ ? [A]⏎: hunter2                      │ stdin: line 1 has a key that is not a name
    yaml   │ A: 1⏎B: 2⏎'A': hunter2               │ stdin: line 3 has a key A that appears twice: also on line 1
    yaml   │ A: 1⏎---⏎B: hunter2                  │ stdin: line 3 begins a second document
    yaml   │ A: 1⏎B: "hunter2                     │ stdin: line 2 is not YAML
    yaml   │ A: 1⏎ B: hunter2                     │ stdin: line 1 is not YAML
    yaml   │ ENDLESS                              │ stdin: line 1 nests too deeply
    yaml   │ # hunter2⏎                           │ stdin holds no names
    k8s    │ <ConfigMap>                          │ stdin holds no Kubernetes Secret (kind: ConfigMap)
    k8s    │ A: hunter2                           │ stdin holds no Kubernetes Secret
    k8s    │ <Secret>⏎data:⏎  A: hunter2!         │ stdin: line 6 has a value that is not base64
    k8s    │ <Secret>⏎data: [hunter2]             │ stdin: line 5 has data that is not a map of keys and values
    k8s    │ <Secret>⏎stringData:⏎  A: {b: hunter2} │ stdin: line 6 has no text for A
    k8s    │ <Secret>⏎data: {A: MQ==}⏎---⏎<Secret>⏎data: {A: Mg==} │ stdin: line 11 has a name A that appears twice: also at stdin: line 5
    -      │ A=hunter2                            │ the format of stdin cannot be told from its name or content
    dotenv │ ␣                                    │ stdin holds no names
  `)("%s: %j", async (format, text, message) => {
    const input =
      text === "DEEP"
        ? DEEP
        : text === "ENDLESS"
          ? ENDLESS
          : withHead(text).replace("BASE64", "BDqDBibm4wsYqMpC".repeat(8));
    const refused = read(input, formatOf(format));
    await expect(refused).rejects.toMatchObject({ name: "InputError", message, hint: expect.stringMatching(/\S/) });
    await expect(refused).rejects.not.toMatchObject({ hint: expect.stringContaining("hunter2") });
  });

  test.each<ImportFormat>(["dotenv", "json", "yaml", "docker", "k8s"])("%s: not UTF-8", async (format) => {
    await expect(read(Uint8Array.of(0xff, 0x41), format)).rejects.toMatchObject({ message: "stdin is not UTF-8 text" });
    for (const bytes of [Buffer.from("\ufeffA=1\n", "utf16le"), Buffer.from("A=1\n", "utf16le").swap16()]) {
      await expect(read(bytes, format)).rejects.toMatchObject({
        message: "stdin is UTF-16 text",
        hint: "save it as UTF-8 (PowerShell: Out-File -Encoding utf8; elsewhere: iconv -f UTF-16 -t UTF-8)",
      });
    }
  });

  test.each([
    ["!!str x", /^leave the tag out/],
    ["!!binary AP8K", /^decode it/],
    ["!vault x", /encrypted/],
  ])("of a tag, what to do depends on it: %s", async (text, hint) => {
    await expect(read(`A: ${text}`, "yaml")).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
  });

  test("a million aliases cost nothing", async () => {
    const levels = Array.from({ length: 30 }, (_, it) => `l${it + 1}: &l${it + 1} [${`*l${it}, `.repeat(9)}*l${it}]`);
    const message = "stdin: line 2 has an alias";
    await expect(read(`l0: &l0 [x]\n${levels.join("\n")}\n`, "yaml")).rejects.toMatchObject({ message });
  });

  test("any text gives items, or an InputError with a hint that quotes nothing", async () => {
    const pieces = ["kind: Secret\n", "data:\n", "apiVersion: v1\n", "\0", "é"];
    const unit = fc.constantFrom(..."AB:={}[]-#\n\t'\"|>&*!?,%@` \\01", ...pieces);
    const format = fc.constantFrom<ImportFormat | undefined>("json", "yaml", "docker", "k8s", "dotenv", undefined);
    const property = fc.asyncProperty(fc.string({ unit, maxLength: 60 }), format, async (text, as) => {
      await read(text, as).catch((error: unknown) => {
        expect(error).toMatchObject({ name: "InputError", hint: expect.stringMatching(/\S/) });
        expect((error as Error).message).toMatch(/^(stdin|the format of stdin)/);
      });
    });
    await fc.assert(property, { seed: SEED, numRuns: 3000 });
  });
});

describe("an export reads back unchanged", () => {
  type Values = Record<string, string>;
  const options = { seed: SEED, numRuns: 300 };
  const escaped = (text: string) =>
    text.replaceAll(/[^\0-\u007f]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`);

  test.each<[ImportFormat, string, (values: Values) => string]>([
    ["json", "export", (values) => encodeItems(secretsOf(values), "json", {})],
    ["json", "indented", (values) => JSON.stringify(values, null, "\t")],
    ["json", "ASCII", (values) => escaped(JSON.stringify(values))],
    ["yaml", "export", (values) => encodeItems(secretsOf(values), "yaml", {})],
    ["yaml", "plain", (values) => stringify(values)],
    ["yaml", "quoted", (values) => stringify(values, { defaultStringType: "QUOTE_SINGLE", lineWidth: 20 })],
    ["yaml", "blocks", (values) => stringify(values, { defaultStringType: "BLOCK_LITERAL" })],
    ["k8s", "export", (values) => encodeItems(secretsOf(values), "k8s", { name: "api" })],
    ["k8s", "stringData", (values) => stringify({ apiVersion: "v1", kind: "Secret", stringData: values })],
    ["docker", "export", (values) => encodeItems(secretsOf(values), "docker", {})],
  ])("%s, %s", async (format, _way, write) => {
    const carried = format === "docker" ? value.filter((text) => !/[\n]|\r$/.test(text)) : value;
    const property = fc.asyncProperty(valuesByName(carried), async (values) => {
      if (Object.keys(values).length === 0) return;
      expect((await read(write(values), format)).items).toEqual(values);
    });
    await fc.assert(property, options);
  });

  test.each(["json", "yaml"] as const)("a file in %s keeps its bytes and mode", async (format) => {
    const bytes = Uint8Array.of(1, 2, 255);
    const text = encodeItems([file("certs/ca.pem", bytes, 0o600), file("b", bytes)], format, {});
    expect((await read(text, format)).items).toEqual({ "certs/ca.pem": "file 600 AQL/", b: "file - AQL/" });
  });
});

test("files exported as a Kubernetes Secret come back as files, with their modes", async () => {
  const text = new TextEncoder().encode("kind: Config\n");
  const items = [file("KUBECONFIG", text, 0o640), file("tls.crt", text), ...secretsOf({ A: "1" })];
  const base64 = "a2luZDogQ29uZmlnCg==";
  const expected = { KUBECONFIG: `file 640 ${base64}`, "tls.crt": `file - ${base64}`, A: "1" };
  expect(await read(encodeItems(items, "k8s", { name: "api" }), "k8s")).toMatchObject({
    items: expected,
    warnings: "",
  });
  const invented = withHead("<Secret>  annotations: {vsync-files: 'A=9999,B'}\ndata: {A: MQ==}\n");
  await expect(read(invented, "k8s")).rejects.toThrow(
    "stdin: line 5 has an annotation vsync-files that vsync did not write",
  );
});

describe("a folder of secret files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const from = async (name: string, format?: ImportFormat) => (await read("", format, join(folder, name))).items;
  const refusal = (name: string, fault: string) => ({ message: `${join(folder, name)} ${fault}` });

  test("a file's name becomes the secret's; a secret loses one line end, a file nothing", async () => {
    const at = (name: string) => join(folder, "secrets", name);
    await mkdir(at("..2026_01_01"), { recursive: true });
    await writeFile(at("db_password"), "x\n\n");
    await writeFile(at("TOKEN"), "y");
    await writeFile(at("tls.key"), "k\n");
    await writeFile(at("BIN"), Uint8Array.of(255, 10));
    await writeFile(at("BOM"), "\ufeffhunter2\n");
    await writeFile(at("..2026_01_01/user"), "ann\n");
    await symlink("..2026_01_01", at("..data"));
    await symlink("..data/user", at("user"));
    const items = {
      BIN: "file - /wo=",
      BOM: "hunter2",
      TOKEN: "y",
      db_password: "x\n",
      "tls.key": "file - awo=",
      user: "ann",
    };
    for (const format of [undefined, "docker", "k8s"] as const) expect(await from("secrets", format)).toEqual(items);
    await expect(from("secrets", "json")).rejects.toMatchObject(refusal("secrets", "is a folder, and json is a file"));
  });

  test("leftovers of other programs are skipped, with a warning", async () => {
    await mkdir(join(folder, "left"));
    const junk = [".DS_Store", "._PW", ".PW.swp", "PW~", ".gitkeep"];
    for (const name of ["PW", ".dockerconfigjson", ...junk]) await writeFile(join(folder, "left", name), "x");
    const { items, warnings } = await read("", undefined, join(folder, "left"));
    expect(Object.keys(items).toSorted()).toEqual([".dockerconfigjson", "PW"]);
    expect(warnings.match(/(?<=left\/)\S+(?= is left out)/g)?.toSorted()).toEqual(junk.toSorted());
  });

  test("a renamed secret loses what only belongs to its file; UTF-16 does not pass silently as bytes", async () => {
    await mkdir(join(folder, "named"));
    await writeFile(join(folder, "named", "db-password"), "\ufeffhunter2\n");
    await writeFile(join(folder, "named", "PW"), Buffer.from("hunter2", "utf16le"));
    const { items, warnings } = await read("", undefined, join(folder, "named"), { upper: true });
    expect(items["DB_PASSWORD"]).toBe("hunter2");
    expect(warnings).toContain("named/PW: PW becomes a file, because it is not text in UTF-8\n");
  });

  test("a folder within it, an empty folder, a missing one, a dangling link and a pipe are refused", async () => {
    await mkdir(join(folder, "deep", "er"), { recursive: true });
    await expect(from("deep")).rejects.toMatchObject(refusal("deep/er", "is a folder"));
    await expect(from("deep/er")).rejects.toMatchObject(refusal("deep/er", "holds no names"));
    await expect(from("none")).rejects.toMatchObject(refusal("none", "does not exist"));
    await mkdir(join(folder, "odd"));
    await symlink("nowhere", join(folder, "odd", "link"));
    await expect(from("odd")).rejects.toMatchObject(refusal("odd/link", "does not exist"));
    await rm(join(folder, "odd", "link"));
    execFileSync("mkfifo", [join(folder, "odd", "pipe")]);
    await expect(from("odd")).rejects.toMatchObject(refusal("odd/pipe", "is not a regular file"));
  });
});
