import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { VsyncError } from "../../src/errors.ts";
import { loadVectors } from "./load.ts";
import { OPERATIONS } from "./operations.ts";
import type { Vector } from "./vector.ts";

/*
 * The vectors fix error classes; these are this program's own words for each of them, by vector. After rewording one, run
 * `VSYNC_WRITE_MESSAGES=1 npx vitest run test/vectors` and read the diff.
 */
const MESSAGES = join(import.meta.dirname, "messages.json");
const messages = JSON.parse(readFileSync(MESSAGES, "utf8")) as Record<string, string>;
const said: Record<string, string> = {};

for (const [folder, vectors] of Map.groupBy(loadVectors(), ({ name }) => name.split("/")[0])) {
  describe(`${folder}`, () => {
    for (const vector of vectors) test(`${vector.name}: ${vector.about}`, () => holds(vector));
  });
}

async function holds(vector: Vector): Promise<void> {
  const operation = OPERATIONS[vector.op];
  if (operation === undefined) throw new TypeError(`no operation ${vector.op}`);
  if (vector.error === undefined) {
    expect(await operation({ input: vector.in, expected: vector.out })).toEqual(vector.out);
    return;
  }
  const error = await operation({ input: vector.in, expected: undefined }).then(
    (out) => expect.fail(`gives ${JSON.stringify(out)}, not ${vector.error}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof VsyncError)) throw error;
  expect(error.name).toBe(vector.error);
  const { row, path, reason } = error as VsyncError & Partial<Vector>;
  expect({ row, path, reason }).toEqual({ row: vector.row, path: vector.path, reason: vector.reason });
  for (const mentioned of vector.mentions ?? []) expect(error.message).toContain(mentioned);
  for (const omitted of vector.omits ?? []) expect(inspect(error)).not.toContain(omitted);
  said[vector.name] = error.message;
  if (!process.env["VSYNC_WRITE_MESSAGES"]) expect(error.message).toBe(messages[vector.name]);
}

afterAll(() => {
  if (!process.env["VSYNC_WRITE_MESSAGES"]) return;
  const sorted = Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(MESSAGES, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
});
