import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type AuditBrokenError, VsyncError } from "../../src/errors.ts";
import { OPERATIONS } from "./operations.ts";
import type { Vector } from "./vector.ts";

const DATA = join(import.meta.dirname, "data");

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
}
