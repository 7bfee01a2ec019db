import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { parseNote, signNote } from "../../../src/crypto/note.ts";
import type { WritableVault } from "../../../src/vault/commit/open-for-commit.ts";
import {
  encodeAuditRow,
  parseAuditRow,
  type RowExpectation,
  verifyAuditRow,
} from "../../../src/vault/format/audit-row.ts";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import { mutatedBytes, mutatedJson, sampled } from "../../support/samples.ts";
import { World } from "../../support/world.ts";

/** A vault at generations 1 and 2. */
const stood: WritableVault[] = [];
beforeAll(async () => {
  const world = await World.pushed();
  stood.push(await world.writable());
  await world.push({ A: "2" });
  stood.push(await world.writable());
});

/** The row of a generation, made from its manifest with `change` applied, and correctly signed. */
function rowOf(gen: 1 | 2, change: Partial<Manifest> = {}): Uint8Array {
  const { vault, signingKey } = stood[gen - 1] ?? expect.unreachable();
  const { audit: _audit, ...unlinked } = vault.manifest;
  const manifest = "audit" in change && change.audit === undefined ? unlinked : { ...vault.manifest, ...change };
  return encodeAuditRow(manifest, signingKey);
}

function expected(gen: 1 | 2): RowExpectation {
  const { vault, signer } = stood[gen - 1]?.vault.manifest ?? expect.unreachable();
  return { vault, gen, signer };
}

test("a row says what its manifest says", () => {
  expect(parseAuditRow(rowOf(2), expected(2)).row).toMatchObject({ gen: 2, action: "push", actor: { user: "ann" } });
});

describe("a row that is well signed is refused", () => {
  const LINK = { gen: 0, sha256: "0".repeat(64) };
  const links = "has a wrong link to the row before it";
  test.each<[string, 1 | 2, object, string]>([
    ["of another vault", 2, { vault: "AAAAAAAAAAAAAAAAAAAAAA" }, "belongs to another vault"],
    ["of another generation", 2, { gen: 3, prev_gen: 2 }, "belongs to another generation"],
    ["that follows no generation", 2, { prev_gen: 0 }, "belongs to another generation"],
    ["of a later generation under this number", 2, { gen: 2, prev_gen: 2 }, "belongs to another generation"],
    ["that names another signer", 2, { signer: Buffer.alloc(32).toString("base64") }, "names another signer"],
    ["of generation 1, with a link", 1, { audit: LINK }, links],
    ["of a later generation, without a link", 2, { audit: undefined }, links],
  ])("%s", (_name, gen, change, fault) => {
    expect(() => parseAuditRow(rowOf(gen, change), expected(gen))).toThrow(
      expect.objectContaining({
        row: gen,
        message: `audit row ${gen} ${fault}`,
        hint: "vsync never rewrites rows: check who can write to the bucket, and its object versions if it keeps them",
      }),
    );
  });

  test("of a later format, with the advice to upgrade", () => {
    const { vault, signingKey } = stood[1] ?? expect.unreachable();
    const { text } = parseNote(rowOf(2), "the row");
    const later = signNote(
      text.replace("vsync-audit-v1", "vsync-audit-v2"),
      `vsync/${vault.manifest.vault}`,
      signingKey,
    );
    expect(() => parseAuditRow(later, expected(2))).toThrow(
      expect.objectContaining({
        name: "AuditBrokenError",
        row: 2,
        message: 'audit row 2 has the unknown format "vsync-audit-v2"',
        hint: "upgrade vsync: a newer version may have written this vault",
      }),
    );
  });
});

test("a row with any byte or field altered is refused under its own number", async () => {
  const genuine = rowOf(2);
  const { text } = parseNote(genuine, "the row");
  const signature = Buffer.from(genuine).toString().slice(text.length);
  const either = fc.oneof(
    mutatedBytes(genuine),
    mutatedJson(JSON.parse(text)).map((json) => Buffer.from(`${JSON.stringify(json)}\n${signature}`)),
  );
  await fc.assert(
    fc.asyncProperty(either, async (bytes) => {
      fc.pre(Buffer.compare(bytes, genuine) !== 0);
      const verifying = async () => verifyAuditRow(parseAuditRow(bytes, expected(2)), expected(2));
      await expect(verifying()).rejects.toThrow(expect.objectContaining({ name: "AuditBrokenError", row: 2 }));
    }),
    sampled(1000),
  );
});

test("an error that is not about the row is passed on", () => {
  const failed = new TypeError("a bug");
  const failing = {
    ...expected(2),
    get vault(): string {
      throw failed;
    },
  };
  expect(() => parseAuditRow(rowOf(2), failing)).toThrow(failed);
});
