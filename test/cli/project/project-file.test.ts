import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ProjectFile, projectFileFault } from "../../../src/cli/project/project-file.ts";

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, "../../../project.schema.json"), "utf8")) as Schema;

interface Schema {
  readonly [keyword: string]: unknown;
}

/** JSON Schema, as far as ours uses it. An unknown keyword is an error, so nothing passes unread. */
const KEYWORDS: Readonly<Record<string, (said: never, value: unknown, schema: Schema) => boolean>> = {
  $schema: () => true,
  title: () => true,
  description: () => true,
  type: (type: string, value) =>
    type === (Array.isArray(value) ? "array" : typeof value) && (type !== "object" || value !== null),
  const: (said: unknown, value) => said === value,
  pattern: (pattern: string, value) => typeof value === "string" && new RegExp(pattern, "u").test(value),
  minLength: (length: number, value) => typeof value === "string" && value.length >= length,
  items: (items: Schema, value) => (value as unknown[]).every((it) => accepts(items, it)),
  required: (names: string[], value) => names.every((name) => Object.hasOwn(value as object, name)),
  properties: (schemas: Record<string, Schema>, value) =>
    Object.entries(value as object).every(([name, it]) => schemas[name] === undefined || accepts(schemas[name], it)),
  propertyNames: (schema: Schema, value) => Object.keys(value as object).every((name) => accepts(schema, name)),
  additionalProperties: (said: false | Schema, value, { properties = {} }) => {
    const others = Object.entries(value as object).filter(([name]) => !Object.hasOwn(properties as object, name));
    return others.every(([, it]) => said !== false && accepts(said, it));
  },
};

function accepts(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, said]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new TypeError(`the schema uses ${keyword}`);
    return check(said as never, value, schema);
  });
}

const env = (fields: object): object => ({ repo: "api", envs: { prod: fields } });

test.each([
  { repo: "api" },
  { $schema: "./node_modules/vsync/project.schema.json", repo: "acme/api", defaultEnv: "dev" },
  { repo: "api", endpoint: "https://s3.eu-central-1.amazonaws.com", bucket: "acme-secrets", region: "eu-central-1" },
  { repo: "api", endpoint: "http://localhost:9000/store", prefix: "teams/api/" },
  { repo: "api", bucket: "acme", kmsKey: "alias/vsync", bucketKey: true, requesterPays: true },
  env({ vault: "q83vEjRWeJCrze8SNFZ4kA", protected: true, required: ["DATABASE_URL"], prefix: "a/b/" }),
])("the parser and the schema for editors accept %j", (file) => {
  expect([projectFileFault(file as ProjectFile), accepts(SCHEMA, file)]).toEqual([null, true]);
});

test.each([
  {},
  { repo: "a/b/c" },
  { repo: "-api" },
  { repo: "acme/.." },
  { repo: "acme/api." },
  { repo: "NUL" },
  { repo: "api", command: "rm" },
  { repo: "api", endpoint: "http://s3.example.com" },
  { repo: "api", endpoint: "https://user:word@s3.example.com" },
  { repo: "api", endpoint: "https://s3.example.com/" },
  { repo: "api", endpoint: "https://s3.example.com?x" },
  { repo: "api", endpoint: "file:///srv" },
  { repo: "api", bucket: "Acme" },
  { repo: "api", bucket: "10.0.0.1" },
  { repo: "api", region: "EU" },
  { repo: "api", kmsKey: "a key" },
  { repo: "api", requesterPays: false },
  { repo: "api", prefix: "api" },
  { repo: "api", prefix: "a/../b/" },
  { repo: "api", envs: { "a/b": {} } },
  { repo: "api", envs: [] },
  { repo: "api", envs: { prod: [] } },
  env({ vault: "short" }),
  env({ protected: false }),
  env({ required: "DATABASE_URL" }),
  env({ required: [""] }),
  env({ profile: "work" }),
])("both refuse %j", (file) => {
  expect([projectFileFault(file as ProjectFile) === null, accepts(SCHEMA, file)]).toEqual([false, false]);
});
