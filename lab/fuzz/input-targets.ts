import assert from "node:assert/strict";
import { endpointFault, prefixFault } from "../../src/blob/location.ts";
import { readDocument, writeDocument } from "../../src/cli/config/config-document.ts";
import { checkLocation, shownEndpoint } from "../../src/cli/config/location.ts";
import { META_FLAG } from "../../src/cli/inputs/meta-flag.ts";
import { durationFlag } from "../../src/cli/inputs/time-flags.ts";
import { parseDotenv } from "../../src/cli/items/dotenv/dotenv.ts";
import { writeDotenv } from "../../src/cli/items/dotenv/dotenv-writer.ts";
import { csvRecord } from "../../src/cli/terminal/layout.ts";
import { printable, printableJson } from "../../src/cli/terminal/printable.ts";
import { objectPath } from "../../src/directory/location.ts";
import { InputError } from "../../src/errors.ts";
import { itemNameFault } from "../../src/vault/format/item.ts";
import { makeConfig } from "../../test/cli/config-fixture.ts";
import { bytesOf, checkRefusal, readOrRefused, type Target, textOf } from "./target.ts";

const dotenv: Target = {
  name: "dotenv",
  seeds: ["A=1\nexport B='x # y' # c\n", 'C="a\\nb\\"\n`"\nD=`it\'s "so"`\n', "# c\r\nE= a #b\rF=''\r\n"].map(bytesOf),
  run(bytes) {
    const read = readOrRefused(() => parseDotenv(bytes, "it"), [InputError]);
    if (read === null) return false;
    const id = "0011223344556677";
    const items = read.value.entries.map(({ name, value }) => ({ id, name, kind: "secret" as const, data: value }));
    const plain = ({ entries }: typeof read.value) => entries.map(({ name, value }) => [name, value.exposeText()]);
    const { bytes: written, left } = writeDotenv(items);
    if (left.length > 0) return true;
    assert.deepEqual(plain(parseDotenv(written, "it")), plain(read.value));
    // Merged into itself, and into a file with other values.
    assert.deepEqual(plain(parseDotenv(writeDotenv(items, bytes).bytes, "it")), plain(read.value));
    const others = Buffer.from(`# c\n${items.map(({ name }) => `export ${name}='x\ny' # d\n`).join("")}`);
    assert.deepEqual(plain(parseDotenv(writeDotenv(items, others).bytes, "it")), plain(read.value));
    return true;
  },
};

const RANGE = { from: "1s", to: "3650d" } as const;

const duration: Target = {
  name: "duration",
  seeds: ["90s", "30m", "24h", "999999999d"].map(bytesOf),
  async run(bytes) {
    const ms = await parsedFlag<number>(durationFlag("grace", RANGE, { description: "" }), textOf(bytes));
    if (ms !== null) assert.ok(Number.isInteger(ms) && ms >= 1000 && ms <= 3650 * 86_400_000, String(ms));
    return ms !== null;
  },
};

/** The value that a flag's own parser gives, or null if it refuses the text. */
async function parsedFlag<T>(flag: object, text: string): Promise<T | null> {
  const { parse } = flag as { readonly parse: (text: string) => Promise<T> };
  try {
    return await parse(text);
  } catch (error) {
    checkRefusal(error, [InputError]);
    return null;
  }
}

const meta: Target = {
  name: "meta",
  seeds: ["ticket=OPS-7", "a.b-c_d=", "event=x"].map(bytesOf),
  async run(bytes) {
    const text = textOf(bytes);
    const pair = await parsedFlag<readonly [string, string]>(META_FLAG.meta, text);
    if (pair !== null) assert.equal(pair.join("="), text);
    return pair !== null;
  },
};

const config: Target = {
  name: "config",
  seeds: [makeConfig(), makeConfig({ credentials: "ambient" })].map((it) => bytesOf(writeDocument(it))),
  run(bytes) {
    const json = readOrRefused(() => JSON.parse(textOf(bytes)) as unknown, [SyntaxError]);
    if (json === null) return false;
    const read = readDocument(json.value);
    if ("fault" in read) return false;
    assert.deepEqual(JSON.parse(writeDocument(read.config)), json.value);
    return true;
  },
};

const location: Target = {
  name: "location",
  seeds: [
    "https://s3.example.com\nacme\napi/prod/",
    "file:///srv/va%20ults\nvsync\napi/prod/",
    "http://[::1]:9000/x\nb\na/",
  ].map(bytesOf),
  run(bytes) {
    const [endpoint = "", bucket = "", prefix = ""] = textOf(bytes).split("\n");
    for (const shown of [shownEndpoint(endpoint), endpointFault(endpoint), prefixFault(prefix)]) void shown;
    const credentials = "ambient" as const;
    const given = { endpoint, bucket, prefix, region: "eu-central-1", credentials };
    const read = readOrRefused(() => checkLocation(given), [InputError]);
    if (read === null) return false;
    assert.deepEqual(checkLocation(read.value), read.value);
    if (!read.value.endpoint.startsWith("file:")) return true;
    const path = readOrRefused(
      () => objectPath({ endpoint: read.value.endpoint, bucket, prefix }, "manifest"),
      [InputError],
    );
    if (path === null) return false;
    assert.ok(path.value.startsWith("/") && path.value.endsWith("/manifest"), path.value);
    assert.ok(
      path.value
        .slice(1)
        .split("/")
        .every((it) => !["", ".", ".."].includes(it)),
      path.value,
    );
    return true;
  },
};

const printed: Target = {
  name: "printable",
  seeds: ["plain", "\u001b[31mred\u0007", "\u202eabc\u2028\r\n\t", "\ud83d\ude00é"].map(bytesOf),
  run(bytes) {
    // JSON can contain half a surrogate pair; UTF-8 cannot.
    const text = textOf(bytes) + String.fromCharCode(0xd800 + (bytes[0] ?? 0));
    const shown = printable(text);
    assert.doesNotMatch(shown, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
    assert.equal(printable(shown), shown);
    assert.deepEqual(JSON.parse(printableJson({ text })), { text });
    return printable(textOf(bytes)) === textOf(bytes);
  },
};

const csv: Target = {
  name: "csv",
  seeds: ["a\u0000b", 'quo"te\u0000,\u0000\r\n', "\u0000"].map(bytesOf),
  run(bytes) {
    const fields = textOf(bytes).split("\0");
    assert.deepEqual(fieldsOf(csvRecord(fields)), fields);
    return true;
  },
};

/** A reader of RFC 4180 §2 that shares no code with the writer. */
function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  let rest = record;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
    const [whole, inner] = quoted === null ? [/^[^",\r\n]*/.exec(rest)?.[0] ?? "", null] : [quoted[0], quoted[1] ?? ""];
    fields.push(inner === null ? whole : inner.replaceAll('""', '"'));
    rest = rest.slice(whole.length);
    if (rest === "") return fields;
    assert.equal(rest[0], ",", record);
    rest = rest.slice(1);
  }
}

const itemName: Target = {
  name: "item-name",
  seeds: ["DATABASE_URL", "conf/app.bin", "../x", "a\\b"].map(bytesOf),
  run(bytes) {
    const name = textOf(bytes);
    const isTaken = itemNameFault(name, "file") === null;
    if (isTaken) assert.equal(itemNameFault(name, "secret"), null);
    if (isTaken) assert.ok(!name.startsWith("/") && !name.split("/").includes(".."), name);
    return isTaken;
  },
};

/** The parsers for user input and for files on this machine. */
export const INPUT_TARGETS: readonly Target[] = [dotenv, duration, meta, config, location, printed, csv, itemName];
