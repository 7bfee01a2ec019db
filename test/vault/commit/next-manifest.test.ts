import { describe, expect, test } from "vitest";
import { BOX_OVERHEAD_BYTES } from "../../../src/crypto/box.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { type Annotation, baseOn } from "../../../src/vault/commit/draft.ts";
import { MAX_BUNDLE_BYTES, MAX_GEN, MAX_MANIFEST_BYTES } from "../../../src/vault/format/limits.ts";
import { LAST_INSTANT_MS, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { ACTOR, committedBy, HOUR_MS, NEW, OLD, rejection, START_MS, takeAll, World } from "../../support/world.ts";

const world = await World.pushed();

async function pushFile(to: World, bytes: number) {
  const data = Secret.ofBytes(new Uint8Array(bytes));
  return committedBy(await to.push([{ name: "f", kind: "file", data }]));
}

test("a bundle of 64 MiB is written and read; one byte more is refused before anything is written", async () => {
  const { size: least } = (await pushFile(world.fork(), 0)).manifest.bundle;
  // The header gives the size of the file's box: two digits here, eight there.
  const most = MAX_BUNDLE_BYTES - least - 6;
  const fork = world.fork();
  expect((await pushFile(fork, most)).manifest.bundle.size).toBe(MAX_BUNDLE_BYTES);
  expect((await fork.open()).bundle.items.map(({ data }) => data.expose().length)).toEqual([most]);
  const refused = world.fork();
  expect(await rejection(pushFile(refused, most + 1))).toMatchObject({
    name: "InputError",
    message: "the vault would be 67108865 bytes, more than the 67108864 that fit",
    hint: "keep large files elsewhere and store their location and key here",
  });
  expect(refused.objects()).toEqual(world.objects());
});

test("a manifest of 1 MiB is written and read, and so is its row; one byte more is refused", async () => {
  const least = world.fork();
  await least.push({ A: "2" }, { note: "x" });
  const most = MAX_MANIFEST_BYTES - least.bytes(MANIFEST_KEY).length + 1;
  const fork = world.fork();
  const { manifest, auditFault } = committedBy(await fork.push({ A: "2" }, { note: "x".repeat(most) }));
  expect([manifest.gen, auditFault, fork.bytes(MANIFEST_KEY).length]).toEqual([2, null, MAX_MANIFEST_BYTES]);
  expect((await fork.audit()).rows.map(({ note }) => note?.length)).toEqual([undefined, most]);
  expect(await rejection(world.fork().push({ A: "2" }, { note: "x".repeat(most + 1) }))).toMatchObject({
    name: "InputError",
    message: "note and meta do not fit: a manifest has at most 1 MiB",
    hint: "shorten --note and --meta, for example by linking to the details",
  });
});

const PLAIN_TEXT = "give plain text, as in --meta ticket=OPS-7";
const NAMES = "check --note, --meta, and the names of this machine and user, which the audit row records";
test.each<[string, Partial<Annotation>, string, string]>([
  ["a fraction in meta", { meta: { n: 1.5 } }, "the audit meta cannot be written: it has a number", PLAIN_TEXT],
  [
    "a key of digits in meta",
    { meta: { "7": 1 } },
    "the audit meta cannot be written: it has a key of digits",
    PLAIN_TEXT,
  ],
  [
    "a lone surrogate in meta",
    { meta: { a: "\ud800" } },
    "the audit meta cannot be written: it has a lone",
    PLAIN_TEXT,
  ],
  ["a lone surrogate in a note", { note: "\ud800" }, "this cannot be committed: the manifest has a lone", NAMES],
])("%s is refused before anything is written", async (_name, annotation, message, hint) => {
  const fork = world.fork();
  expect(await rejection(fork.push({ A: "2" }, annotation))).toMatchObject({
    name: "InputError",
    message: expect.stringContaining(message),
    hint,
  });
  expect(fork.objects()).toEqual(world.objects());
});

describe("after the year 9999, which no manifest can write", () => {
  test.each<[string, (world: World) => Promise<unknown>]>([
    ["the first push", async ({ clock }) => (await World.empty()).with({ clock }).push({ A: "2" })],
    ["a push", (it) => it.push({ A: "2" })],
    ["a rotation", (it) => it.rotate(OLD, NEW)],
    ["a rotation with grace", (it) => it.rotate(OLD, NEW, { graceMs: HOUR_MS })],
  ])("%s is refused before it writes", async (_name, write) => {
    for (const ms of [LAST_INSTANT_MS, LAST_INSTANT_MS + 1]) {
      const fork = world.fork();
      fork.clock.ms = ms;
      expect(await rejection(write(fork))).toMatchObject({ name: "InputError" });
      expect(fork.objects()).toEqual(world.objects());
    }
  });

  test("a vault whose bundle has the last key is written and rotated again by a right clock", async () => {
    const full = await World.empty();
    full.clock.ms = LAST_INSTANT_MS - 100;
    await full.push({ A: "1" });
    full.clock.ms = LAST_INSTANT_MS;
    expect(await rejection(full.push({ A: "2" }))).toMatchObject({ name: "InputError" });
    full.clock.ms = START_MS;
    await full.push({ A: "2" });
    await full.rotate(OLD, NEW);
    expect(await full.secrets(NEW)).toEqual({ A: "2" });
  });
});

test("what does not fit beside tokens says how much of it are items", async () => {
  const fork = world.fork();
  await fork.createToken();
  const { message } = (await rejection(pushFile(fork, MAX_BUNDLE_BYTES))) as Error;
  const [whole, items, others] = message.match(/\d{3,}/g)?.filter((it) => it !== `${MAX_BUNDLE_BYTES}`) ?? [];
  expect([items, Number(whole) - Number(others)]).toEqual([`${MAX_BUNDLE_BYTES + BOX_OVERHEAD_BYTES}`, Number(items)]);
});

test("no generation comes after the last", async () => {
  const { vault, signingKey, tokens } = await world.writable();
  const { unlock } = vault.manifest;
  const draft = { action: "push", actor: ACTOR, meta: {}, items: [], unlock, signingKey, rotates: false, tokens };
  const on = baseOn({ ...vault, manifest: { ...vault.manifest, gen: MAX_GEN }, signingKey });
  expect(await rejection(takeAll(commitGeneration(world.fork(), on, () => draft)))).toMatchObject({
    name: "InputError",
    message: "generation 999999999999 is the last that a vault can have",
    hint: expect.stringContaining("another prefix"),
  });
});
