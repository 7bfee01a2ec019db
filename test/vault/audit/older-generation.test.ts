import { beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { S3UnreachableError, WrongPassphraseError } from "../../../src/errors.ts";
import type { OlderHolder } from "../../../src/vault/audit/older-generation.ts";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { baseOn } from "../../../src/vault/commit/draft.ts";
import { NO_TOKENS } from "../../../src/vault/commit/vault-tokens.ts";
import type { BundleHeader } from "../../../src/vault/format/bundle-header.ts";
import { encodeManifest } from "../../../src/vault/format/manifest.ts";
import { auditKey, MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { holding } from "../../support/passphrases.ts";
import { ACTOR, HOUR_MS, NEW, OLD, rejection, takeAll, World } from "../../support/world.ts";

const THIRD = "the third passphrase";

/** Generations 1 and 2 (OLD), 3 (rotation to NEW, OLD in its grace window), 4 (NEW), an hour apart. */
let world: World;
beforeAll(async () => {
  world = await World.pushed({ A: "1" });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "2", B: "2" });
  world.clock.ms += HOUR_MS;
  await world.rotate(OLD, NEW, { graceMs: 24 * HOUR_MS });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "4" }, { by: NEW });
});

describe("a generation opens with a passphrase of its time", () => {
  test("and in a grace window with either", async () => {
    expect(await world.generation(2, OLD, NEW)).toEqual({ A: "2", B: "2" });
    for (const by of [OLD, NEW]) expect(await world.generation(3, by, NEW)).toEqual({ A: "2", B: "2" });
    expect(await world.generation(4, NEW, NEW)).toEqual({ A: "4" });
  });

  test.each([
    [2, NEW],
    [3, THIRD],
  ])("generation %i does not open with %s", async (gen, passphrase) => {
    expect(await rejection(world.generation(gen, passphrase, NEW))).toMatchObject({
      name: "WrongPassphraseError",
      message: `wrong passphrase for generation ${gen}`,
      hint: "give the passphrase that was in use then, with --then-passphrase-file or at the prompt",
    });
  });

  test.each([0, 5, -1, 1.5, Number.NaN])("generation %d does not exist", async (gen) => {
    expect(await rejection(world.generation(gen, NEW, NEW))).toMatchObject({
      name: "InputError",
      message: `generation ${gen} does not exist: the vault has 1…4`,
      hint: "vsync history prod lists them",
    });
  });

  test("the newest one too while its row is outstanding: the manifest names its bundle", async () => {
    expect(await world.fork().tamper(auditKey(4), null).generation(4, NEW, NEW)).toEqual({ A: "4" });
  });
});

describe("a passphrase of that time is asked for", () => {
  const diff = (gen: number, oldPassphrase: OlderHolder, of = world) => of.diff(gen, 4, { by: NEW, oldPassphrase });
  const unasked = async () => expect.unreachable("asked");

  test("only for a generation that today's does not open", async () => {
    const asked: number[] = [];
    const ask = async (gen: number) => {
      asked.push(gen);
      return holding(OLD);
    };
    await diff(3, ask);
    expect(asked).toEqual([]);
    await diff(2, ask);
    expect(asked).toEqual([2]);
  });

  test("throws the first refusal if no passphrase is given", async () => {
    expect(await rejection(diff(1, async () => null))).toMatchObject({ message: "wrong passphrase for generation 1" });
    expect(await rejection(diff(1, async () => holding("wrong")))).toBeInstanceOf(WrongPassphraseError);
  });

  test("not for a generation that does not exist or that the store fails to give", async () => {
    expect(await rejection(diff(9, unasked))).toMatchObject({ name: "InputError" });
    const failed = new S3UnreachableError("injected");
    const first = "v=20260101T000000000Z";
    const fork = world.fork().failing({
      before({ key }) {
        if (key === first) throw failed;
      },
    });
    expect(await rejection(diff(1, unasked, fork))).toBe(failed);
    expect(fork.requests.filter((request) => request.endsWith(first))).toHaveLength(1);
  });
});

describe("a generation that another version wrote", () => {
  /**
   * A vault at generation 2, whose first generation is correctly signed but has a header that this version does not
   * write.
   */
  async function worldWithFirst(change: (header: BundleHeader) => object): Promise<World> {
    const crafted = await World.pushed({ A: "1" });
    const { vault, signingKey } = await crafted.writable();
    const { key } = vault.manifest.bundle;
    const bytes = crafted.bytes(key);
    const end = bytes.indexOf(0x0a);
    const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as BundleHeader;
    const bundle = Buffer.concat([Buffer.from(JSON.stringify({ ...header, ...change(header) })), bytes.subarray(end)]);
    const manifest = { ...vault.manifest, bundle: { key, size: bundle.length, sha256: sha256Hex(bundle) } };
    crafted.forge(manifest, signingKey).tamper(key, bundle).tamper(auditKey(1), null);
    const sha256 = sha256Hex(encodeManifest(manifest, signingKey));
    const { version = "" } = crafted.store.bucket.get(MANIFEST_KEY) ?? {};
    const draft = { action: "push", actor: ACTOR, meta: {}, items: vault.bundle.items, unlock: vault.manifest.unlock };
    const base = baseOn({ manifest, sha256, version, signingKey });
    await takeAll(commitGeneration(crafted, base, () => ({ ...draft, signingKey, rotates: false, tokens: NO_TOKENS })));
    return crafted;
  }

  test("opens past the slots of unknown holders", async () => {
    const crafted = await worldWithFirst(({ slots }) => ({ slots: [{ id: "ci", items: ["A"] }, ...slots] }));
    expect(await crafted.generation(1)).toEqual({ A: "1" });
    expect(await rejection(crafted.generation(1, "wrong"))).toMatchObject({ name: "WrongPassphraseError" });
  });

  test("is corrupt, not locked, if its slot opens and its index does not", async () => {
    const zeros = ({ index }: BundleHeader): string => Buffer.from(index, "base64").fill(0).toString("base64");
    const crafted = await worldWithFirst((header) => ({ index: zeros(header) }));
    expect(await rejection(crafted.generation(1))).toMatchObject({
      name: "BundleCorruptError",
      message: "the bundle's index does not decrypt",
    });
  });

  test("is corrupt before anything is derived if its slot's cost is out of bounds", async () => {
    const costly = ({ slots }: BundleHeader) =>
      slots.map((slot) => ({ ...slot, kdf: { ...(slot["kdf"] as object), iterations: 17 } }));
    const crafted = await worldWithFirst((header) => ({ slots: costly(header) }));
    expect(await rejection(crafted.generation(1))).toMatchObject({
      name: "BundleCorruptError",
      message: "the bundle is refused: key derivation iterations is 17, outside 1…16",
    });
  });
});
