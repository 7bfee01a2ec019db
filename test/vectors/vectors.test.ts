import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type AuditBrokenError, VsyncError } from "../../src/errors.ts";
import { OPERATIONS } from "./operations.ts";
import type { Vector } from "./vector.ts";

const DATA = join(import.meta.dirname, "data");

/*
 * The vectors fix error classes; these are this program's own words for each of them, by vector. After rewording one, run
 * `VSYNC_WRITE_MESSAGES=1 npx vitest run test/vectors` and read the diff.
 */
const MESSAGES = join(import.meta.dirname, "messages.json");
const messages = JSON.parse(readFileSync(MESSAGES, "utf8")) as Record<string, string>;
const said: Record<string, string> = {};

for (const kind of readdirSync(DATA, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const folder = join(DATA, kind.name);
  describe(kind.name, () => {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
      const vector = JSON.parse(readFileSync(join(folder, file), "utf8")) as Vector;
      test(`${file.slice(0, -".json".length)}: ${vector.about}`, () => holds(vector, folder));
    }
  });
}

async function holds(vector: Vector, folder: string): Promise<void> {
  const operation = OPERATIONS[vector.op];
  if (operation === undefined) throw new TypeError(`no operation ${vector.op}`);
  if (vector.error === undefined) {
    expect(await operation({ input: vector.in, folder, expected: vector.out })).toEqual(vector.out);
    return;
  }
  const error = await operation({ input: vector.in, folder, expected: undefined }).then(
    (out) => expect.fail(`gives ${JSON.stringify(out)}, not ${vector.error}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof VsyncError)) throw error;
  expect(error.name).toBe(vector.error);
  if (vector.row !== undefined) expect((error as AuditBrokenError).row).toBe(vector.row);
  for (const mentioned of vector.mentions ?? []) expect(error.message).toContain(mentioned);
  said[vector.name] = error.message;
  if (!process.env["VSYNC_WRITE_MESSAGES"]) expect(error.message).toBe(messages[vector.name]);
}

afterAll(() => {
  if (!process.env["VSYNC_WRITE_MESSAGES"]) return;
  const sorted = Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(MESSAGES, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
});
