import { describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import type { Annotation } from "../../src/vault/commit/draft.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES } from "../../src/vault/format/limits.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { committedBy, rejection, World } from "../support/world.ts";

const world = await World.pushed();

async function pushFile(to: World, bytes: number) {
  const data = Secret.ofBytes(new Uint8Array(bytes));
  return committedBy(await to.push([{ name: "f", kind: "file", data }]));
}

async function pushAnnotated(to: World, annotation: Partial<Annotation>) {
  return committedBy(await to.push({ A: "2" }, annotation));
}

describe("a vault whose bundle", () => {
  test("has 64 MiB is written and read; one of a byte more is refused, with the next step", async () => {
    const { size: least } = (await pushFile(world.fork(), 0)).manifest.bundle;
    // The header tells the size of the file's box, of two digits here and of eight there.
    const most = MAX_BUNDLE_BYTES - least - 6;
    const fork = world.fork();
    expect((await pushFile(fork, most)).manifest.bundle.size).toBe(MAX_BUNDLE_BYTES);
    expect((await fork.open()).bundle.items.map(({ data }) => data.expose().length)).toEqual([most]);
    expect(await rejection(pushFile(world.fork(), most + 1))).toMatchObject({
      name: "InputError",
      message: "the vault would be 67108865 bytes, more than the 67108864 that fit",
      hint: "keep large files elsewhere and store their location and key here",
    });
  });
});

describe("a manifest that", () => {
  test("has 1 MiB is written and read, and its row too; one of a byte more is refused", async () => {
    const least = world.fork();
    await pushAnnotated(least, { note: "x" });
    const most = MAX_MANIFEST_BYTES - (least.store.bucket.get(MANIFEST_KEY)?.bytes.length ?? 0) + 1;
    const fork = world.fork();
    const { manifest, auditFault } = await pushAnnotated(fork, { note: "x".repeat(most) });
    expect([manifest.gen, auditFault]).toEqual([2, null]);
    expect(fork.store.bucket.get(MANIFEST_KEY)?.bytes).toHaveLength(MAX_MANIFEST_BYTES);
    expect((await fork.audit()).rows.map(({ note }) => note?.length)).toEqual([undefined, most]);
    expect(await rejection(pushAnnotated(world.fork(), { note: "x".repeat(most + 1) }))).toMatchObject({
      name: "InputError",
      message: "note and meta do not fit: a manifest has at most 1 MiB",
      hint: "shorten --note and --meta, and name where the rest stands",
    });
  });

  test.each([
    [MAX_MANIFEST_BYTES, "the manifest is not a signed note"],
    [MAX_MANIFEST_BYTES + 1, "the manifest is larger than 1 MiB"],
  ])("has %i bytes of something else is refused as what it is", async (length, message) => {
    const fork = world.fork();
    fork.store.bucket.set(MANIFEST_KEY, { bytes: new Uint8Array(length).fill(0x20), version: "other" });
    expect(await rejection(fork.open())).toMatchObject({ name: "NotAuthenticError", message });
  });

  test.each<[string, Partial<Annotation>, string]>([
    ["a meta that is no canonical JSON", { meta: { n: 1.5 } }, "give plain text, as in --meta ticket=OPS-7"],
    [
      "a note that is no text",
      { note: "\ud800" },
      "look at --note, --meta and the names of this machine and user, which the audit row tells",
    ],
  ])("would have %s is refused, with the next step", async (_name, annotation, hint) => {
    expect(await rejection(pushAnnotated(world.fork(), annotation))).toMatchObject({ name: "InputError", hint });
  });
});
