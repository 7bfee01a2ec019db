import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { encodeItems } from "../../../src/cli/export/formats.ts";
import { type ImportFormat, readImport } from "../../../src/cli/import/read-import.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import type { NamedData } from "../../../src/vault/changes.ts";
import { file, SEED, secretsOf, value, valuesByName } from "../exported-items.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Got {
  readonly items: Record<string, string>;
  readonly warnings: string;
}

async function read(bytes: string | Uint8Array, format?: ImportFormat): Promise<Got> {
  const stdin = new Stdin(
    () => Readable.from([Buffer.from(bytes)]),
    () => false,
  );
  let warnings = "";
  const sink = { write: (text: string | Uint8Array) => (warnings += String(text)) };
  const items = await readImport({ from: "-", format }, { stdin, output: new Output(sink, sink, {}) });
  return { items: shown(items), warnings };
}

/** Secrets as their text, files as their mode and base64. */
function shown(items: readonly NamedData[]): Record<string, string> {
  const text = ({ kind, mode, data }: NamedData): string =>
    kind === "secret"
      ? data.exposeText()
      : `file ${mode?.toString(8)} ${Buffer.from(data.expose()).toString("base64")}`;
  return Object.fromEntries(items.map((item) => [item.name, text(item)]));
}

const SECRET = (kind = "Secret") => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: api}\n`;

describe("values", () => {
  test.each<[string, ImportFormat, string, Record<string, string>]>([
    ["dotenv", "dotenv", "A='x y' # c\nB=\"1\n2\"", { A: "x y", B: "1\n2" }],
    [
      "docker: all as it stands",
      "docker",
      "A='x y' # c\n# c\n  B= 1 \r\nC=\n\nD==#",
      { A: "'x y' # c", B: " 1 ", C: "", D: "=#" },
    ],
    ["a byte order mark", "docker", "\ufeffA=1", { A: "1" }],
    ["JSON", "json", '{"A": "x\\n\\u00e9", "B": "", "C": "\\ud83d\\ude00"}', { A: "x\né", B: "", C: "😀" }],
    [
      "JSON numbers and booleans, as they are written",
      "json",
      '{"A": 1.10, "B": 12345678901234567890, "C": 1E3, "D": true, "E": -0}',
      { A: "1.10", B: "12345678901234567890", C: "1E3", D: "true", E: "-0" },
    ],
    [
      "JSON names of a prototype",
      "json",
      '{"__proto__": "1", "constructor": "2"}',
      { ["__proto__"]: "1", constructor: "2" },
    ],
    [
      "a file in JSON",
      "json",
      '{"certs/ca.pem": {"base64": "AP8K", "mode": "0640"}, "b": {"base64": ""}}',
      {
        "certs/ca.pem": "file 640 AP8K",
        b: "file undefined ",
      },
    ],
    [
      "YAML",
      "yaml",
      "# c\nA: plain text\nB: 'it''s'\nC: \"x\\ty\"\nD: |\n  two\n  lines\nE: >-\n  one\n  line\nF: {\n",
      {},
    ],
    [
      "YAML numbers and booleans, as they are written",
      "yaml",
      "A: 0x1F\nB: True\nC: yes\nD: 1.10\nE: 010\nF: .inf\nG: 2026-01-01\nH: 1_000\n'I': 1:30",
      { A: "0x1F", B: "True", C: "yes", D: "1.10", E: "010", F: ".inf", G: "2026-01-01", H: "1_000", I: "1:30" },
    ],
    [
      "a Secret: stringData wins, what is no variable or no text is a file",
      "k8s",
      `${SECRET()}data:\n  A: MQ==\n  B: b2xk\n  tls.crt: AP8K\n  BIN: /w==\n  NUL: AA==\nstringData:\n  B: new\n  port: 5432\n`,
      {
        A: "1",
        B: "new",
        port: "5432",
        "tls.crt": "file undefined AP8K",
        BIN: "file undefined /w==",
        NUL: "file undefined AA==",
      },
    ],
    ["base64 over lines", "k8s", `${SECRET()}data:\n  A: |\n    YWJj\n    ZGVm\n`, { A: "abcdef" }],
    [
      "a List",
      "k8s",
      `apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  data: {A: MQ==}\n- kind: Secret\n  data: {B: Mg==}\n`,
      { A: "1", B: "2" },
    ],
    ["a SecretList", "k8s", `{"apiVersion":"v1","kind":"SecretList","items":[{"data":{"A":"MQ=="}}]}`, { A: "1" }],
    [
      "several documents",
      "k8s",
      `---\n${SECRET()}data: {A: MQ==}\n---\n${SECRET()}stringData: {B: "2"}\n---\n`,
      { A: "1", B: "2" },
    ],
  ])("%s", async (what, format, text, items) => {
    if (what === "YAML") {
      const plain = text.replace(/F: \{\n$/, "");
      expect((await read(plain, format)).items).toEqual({
        A: "plain text",
        B: "it's",
        C: "x\ty",
        D: "two\nlines\n",
        E: "one line",
      });
    } else {
      const got = (await read(text, format)).items;
      expect(new Map(Object.entries(got))).toEqual(new Map(Object.entries(items)));
    }
  });

  test("objects of other kinds are left out, with a warning", async () => {
    const { items, warnings } = await read(
      `${SECRET("ConfigMap")}data: {A: x}\n---\n${SECRET()}data: {B: MQ==}\n`,
      "k8s",
    );
    expect(items).toEqual({ B: "1" });
    expect(warnings).toBe("vsync: warning: stdin: line 1: left out, not a Secret but ConfigMap\n");
  });

  test.each<[string, string]>([
    ['{"A": "1"}', "json"],
    ['\n {"apiVersion": "v1", "kind": "Secret", "stringData": {"A": "1"}}', "k8s in JSON"],
    [`${SECRET()}stringData: {A: "1"}`, "k8s in YAML"],
  ])("the format of %j is told from the content: %s", async (text) => {
    expect((await read(text)).items).toEqual({ A: "1" });
  });
});

describe("what is refused names the line, and shows no value", () => {
  const SYNTAX = "is not YAML";
  test.each<[string, ImportFormat | undefined, string, string]>([
    ["a line without =", "docker", "A=1\nhunter2", "stdin: line 2 has no value"],
    ["a name with a space", "docker", "A B=hunter2", "stdin: line 1 has a name that no variable can have"],
    [
      "a name twice",
      "docker",
      "A=1\nA=hunter2",
      "stdin: line 2 has a name A that appears twice: also at stdin: line 1",
    ],
    ["a NUL", "docker", "A=1\nB=hunter2\0", "stdin: line 2 has a NUL character in B"],
    ["no JSON", "json", '{"A": hunter2}', "stdin: line 1 is not JSON (column 7)"],
    ["deep JSON", "json", `{"A":${"[".repeat(200)}${"]".repeat(200)}}`, "stdin: line 1 nests deeper than 100 levels"],
    ["YAML that is no JSON", "json", "A: hunter2", "stdin: line 1 is not JSON (column 1)"],
    [
      "a name twice in JSON",
      "json",
      '{"A": "1",\n"A": "hunter2"}',
      "stdin: line 2 has a key A that appears twice: also on line 1",
    ],
    ["a list", "json", '["hunter2"]', "stdin: line 1 is not an object of names and values"],
    ["nested", "json", '{"A": "1",\n "db": {"url": ["hunter2"]}}', "stdin: line 2 holds more than a value: db.url[0]"],
    ["nested in YAML", "yaml", "A: 1\ndb:\n  host: hunter2\n", "stdin: line 2 holds more than a value: db.host"],
    ["a list in YAML", "yaml", "A:\n- hunter2\n", "stdin: line 1 holds more than a value: A[0]"],
    ["null", "json", '{"A": null}', "stdin: line 1 has no value for A"],
    ["nothing", "yaml", "A:\nB: 1", "stdin: line 1 has no value for A"],
    ["a dash in a name", "json", '{"my-key": "hunter2"}', "stdin: line 1 has a name my-key that no variable can have"],
    ["a secret as a name", "json", '{"hunter2 /+x": "1"}', "stdin: line 1 has a name that no variable can have"],
    ["a NUL in JSON", "json", '{"A": "hunter2\\u0000"}', "stdin: line 1 has a NUL character in A"],
    [
      "a file of other form",
      "json",
      '{"a": {"base64": "AA==", "x": 1}}',
      "stdin: line 1 holds more than a value: a.base64",
    ],
    [
      "a file that is not base64",
      "json",
      '{"a": {"base64": "hunter2"}}',
      "stdin: line 1 has a value that is not base64",
    ],
    [
      "a file with a mode of its own",
      "json",
      '{"a": {"base64": "", "mode": "4755"}}',
      "stdin: line 1 has a file with an invalid mode",
    ],
    [
      "a file that leads out",
      "json",
      '{"../a": {"base64": ""}}',
      "stdin: line 1 has a file whose name must not have a segment . or ..",
    ],
    ["a tag", "yaml", "A: 1\nB: !!str hunter2", "stdin: line 2 has a tag"],
    ["a tag of its own", "yaml", "A: !hunter2 x", "stdin: line 1 has a tag"],
    ["a tag on a key", "yaml", "!!str A: hunter2", "stdin: line 1 has a tag"],
    ["an alias", "yaml", "A: &a hunter2\nB: *a", "stdin: line 2 has an alias"],
    ["a merge key", "yaml", "x: &x {A: hunter2}\n<<: *x", "stdin: line 2 has an alias"],
    ["a key that is no name", "yaml", "? [A]\n: hunter2", "stdin: line 1 has a key that is not a name"],
    [
      "a name twice in YAML",
      "yaml",
      "A: 1\nB: 2\n'A': hunter2",
      "stdin: line 3 has a key A that appears twice: also on line 1",
    ],
    ["two documents", "yaml", "A: 1\n---\nB: hunter2", "stdin: line 3 begins a second document"],
    ["broken YAML", "yaml", 'A: 1\nB: "hunter2', `stdin: line 2 ${SYNTAX}`],
    ["a bad indent", "yaml", "A: 1\n B: hunter2", `stdin: line 1 ${SYNTAX}`],
    ["nesting without end", "yaml", `A: ${"[".repeat(100_000)}`, "stdin: line 1 nests too deeply"],
    ["no Secret", "k8s", SECRET("ConfigMap"), "stdin holds no Kubernetes Secret"],
    [
      "data that is not base64",
      "k8s",
      `${SECRET()}data:\n  A: hunter2!`,
      "stdin: line 5 has a value that is not base64",
    ],
    [
      "data that is a list",
      "k8s",
      `${SECRET()}data: [hunter2]`,
      "stdin: line 4 has data that is not a map of keys and values",
    ],
    ["a key that is a map", "k8s", `${SECRET()}stringData:\n  A: {b: hunter2}`, "stdin: line 5 has no text for A"],
    [
      "one key in two Secrets",
      "k8s",
      `${SECRET()}data: {A: MQ==}\n---\n${SECRET()}data: {A: Mg==}`,
      "stdin: line 9 has a name A that appears twice: also at stdin: line 4",
    ],
    [
      "a format that cannot be told",
      undefined,
      "A=hunter2",
      "the format of stdin cannot be told from its name or content",
    ],
    ["nothing at all", "yaml", "# hunter2\n", "stdin holds no names"],
    ["an empty object", "json", "{}", "stdin holds no names"],
    ["an empty file", "dotenv", "", "stdin holds no names"],
  ])("%s", async (_what, format, text, message) => {
    const error = await read(text, format).then(
      () => expect.unreachable(),
      (fault: unknown) => fault,
    );
    expect(error).toMatchObject({ name: "InputError", message, hint: expect.stringMatching(/\S/) });
    expect(String((error as { hint?: string }).hint)).not.toContain("hunter2");
    expect(message).not.toContain("hunter2");
  });

  test.each<ImportFormat>(["dotenv", "json", "yaml", "docker", "k8s"])("%s: bytes that are no text", async (format) => {
    await expect(read(Uint8Array.of(0xff, 0x41), format)).rejects.toMatchObject({ message: "stdin is not UTF-8 text" });
    for (const bytes of [Buffer.from("\ufeffA=1\n", "utf16le"), Buffer.from("A=1\n", "utf16le").swap16()]) {
      await expect(read(bytes, format)).rejects.toMatchObject({
        message: "stdin is UTF-16 text",
        hint: "save it as UTF-8 (PowerShell: Out-File -Encoding utf8; elsewhere: iconv -f UTF-16 -t UTF-8)",
      });
    }
  });

  test("a million aliases cost nothing", async () => {
    const levels = Array.from({ length: 30 }, (_, it) => `l${it + 1}: &l${it + 1} [${`*l${it}, `.repeat(9)}*l${it}]`);
    await expect(read(`l0: &l0 [x]\n${levels.join("\n")}\n`, "yaml")).rejects.toMatchObject({
      message: "stdin: line 2 has an alias",
    });
  });
});

describe("properties", () => {
  const options = { seed: SEED, numRuns: 300 };
  const formats = [
    ["json", (values: Record<string, string>) => encodeItems(secretsOf(values), "json", {})],
    ["json", (values: Record<string, string>) => JSON.stringify(values, null, "\t")],
    [
      "json",
      (values: Record<string, string>) =>
        JSON.stringify(values).replaceAll(
          /[^\0-\u007f]/g,
          (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
        ),
    ],
    ["yaml", (values: Record<string, string>) => stringify(values)],
    [
      "yaml",
      (values: Record<string, string>) => stringify(values, { defaultStringType: "QUOTE_SINGLE", lineWidth: 20 }),
    ],
    ["yaml", (values: Record<string, string>) => stringify(values, { defaultStringType: "BLOCK_LITERAL" })],
    ["k8s", (values: Record<string, string>) => encodeItems(secretsOf(values), "k8s", { name: "api" })],
    ["k8s", (values: Record<string, string>) => stringify({ apiVersion: "v1", kind: "Secret", stringData: values })],
  ] as const;

  test.each(formats)("%s, way %#: what was written is what is read", async (format, write) => {
    await fc.assert(
      fc.asyncProperty(valuesByName(value), async (values) => {
        if (Object.keys(values).length === 0) return;
        expect((await read(write(values), format)).items).toEqual(values);
      }),
      options,
    );
  });

  test("what one format exports and its reader takes is the same again", async () => {
    const lines = value.filter((text) => !/[\n]|\r$/.test(text));
    await fc.assert(
      fc.asyncProperty(valuesByName(lines), async (values) => {
        if (Object.keys(values).length === 0) return;
        expect((await read(encodeItems(secretsOf(values), "docker", {}), "docker")).items).toEqual(values);
      }),
      options,
    );
    const bytes = Uint8Array.of(1, 2, 255);
    const json = encodeItems([file("certs/ca.pem", bytes, 0o600), file("b", bytes)], "json", {});
    expect((await read(json, "json")).items).toEqual({ "certs/ca.pem": "file 600 AQL/", b: "file undefined AQL/" });
  });

  test("whatever the text: items, or an InputError with a hint that quotes nothing", async () => {
    const noise = fc.string({
      unit: fc.constantFrom(
        ..."AB:={}[]-#\n\t'\"|>&*!?,%@` \\01",
        "kind: Secret\n",
        "data:\n",
        "apiVersion: v1\n",
        "\0",
        "é",
      ),
      maxLength: 60,
    });
    const format = fc.constantFrom<ImportFormat | undefined>("json", "yaml", "docker", "k8s", "dotenv", undefined);
    await fc.assert(
      fc.asyncProperty(noise, format, async (text, as) => {
        await read(text, as).catch((error: unknown) => {
          expect(error).toMatchObject({ name: "InputError", hint: expect.stringMatching(/\S/) });
          expect((error as Error).message).toMatch(/^(stdin|the format of stdin)/);
        });
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });
});

describe("a folder of secret files", () => {
  const sources = {
    stdin: new Stdin(
      () => Readable.from([]),
      () => true,
    ),
    output: new Output({ write: () => true }, { write: () => true }, {}),
  };
  const from = async (name: string, format?: ImportFormat) =>
    shown(await readImport({ from: join(folder, name), format }, sources));

  test("file names are names; one line end goes from a secret, nothing from a file", async () => {
    const at = (name: string) => join(folder, "secrets", name);
    await mkdir(at("..2026_01_01"), { recursive: true });
    for (const [name, text] of Object.entries({
      db_password: "x\n\n",
      TOKEN: "y",
      "tls.key": "k\n",
      BIN: Uint8Array.of(255, 10),
    })) {
      await writeFile(at(name), text);
    }
    await writeFile(at("..2026_01_01/user"), "ann\n");
    await symlink("..2026_01_01", at("..data"));
    await symlink("..data/user", at("user"));
    const items = {
      BIN: "file undefined /wo=",
      TOKEN: "y",
      db_password: "x\n",
      "tls.key": "file undefined awo=",
      user: "ann",
    };
    expect(await from("secrets")).toEqual(items);
    expect(await from("secrets", "docker")).toEqual(items);
    expect(await from("secrets", "k8s")).toEqual(items);
    await expect(from("secrets", "json")).rejects.toMatchObject({
      message: `${join(folder, "secrets")} is a folder, and json is a file`,
    });
  });

  test("a folder within is refused, and so are an empty one, one that is not there, and a pipe", async () => {
    await mkdir(join(folder, "deep", "er"), { recursive: true });
    await expect(from("deep")).rejects.toMatchObject({ message: `${join(folder, "deep", "er")} is a folder` });
    await expect(from("deep/er")).rejects.toMatchObject({ message: `${join(folder, "deep", "er")} holds no names` });
    await mkdir(join(folder, "odd"));
    await symlink("nowhere", join(folder, "odd", "link"));
    await expect(from("odd")).rejects.toMatchObject({ message: `${join(folder, "odd", "link")} is not there` });
    await rm(join(folder, "odd", "link"));
    execFileSync("mkfifo", [join(folder, "odd", "pipe")]);
    await expect(from("odd")).rejects.toMatchObject({
      message: `${join(folder, "odd", "pipe")} is not a regular file`,
    });
    await expect(from("none")).rejects.toMatchObject({ message: `${join(folder, "none")} is not there` });
  });
});
