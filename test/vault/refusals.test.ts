import { beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import { LAST_INSTANT_MS, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { Expectation } from "../../src/vault/open/expectation.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { ENV, NEW, OLD, rejection, START_MS, takeAll, World } from "../support/world.ts";

const OTHER_VAULT = "AAAAAAAAAAAAAAAAAAAAAA";
const STALE = "stale object at v=20260101T000000001Z is harmless (manifest never named it)";

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

/** What an opening is refused with. */
function refusal(passphrase: string, expectation: Partial<Expectation> = {}, from = world): Promise<unknown> {
  return rejection(from.openAfresh(passphrase, expectation));
}

describe("who opens is told what happened, and the next step", () => {
  test("no passphrase: before anything is asked of the store", async () => {
    const asked = world.store.requests.length;
    expect(await refusal("")).toMatchObject({
      name: "ConfigMissingError",
      message: "the passphrase is empty",
      hint: "set VSYNC_PASSPHRASE or VSYNC_PASSPHRASE_FILE",
    });
    expect(world.store.requests).toHaveLength(asked);
  });

  test.each([
    [undefined, "there is no vault at memory://", "run `vsync push` first, or check the bucket and prefix"],
    [0, "there is no vault at memory://", "run `vsync push` first, or check the bucket and prefix"],
    [
      1,
      "there is no vault at memory:// any more: generation 1 was seen",
      "check the bucket and prefix; if they are right, put the object `manifest` back, from the store's object versions or a backup",
    ],
  ])("no vault, with generation %s seen", async (minGen, message, hint) => {
    const empty = world.with({ store: new MemoryStore() });
    const error = await refusal(OLD, minGen === undefined ? {} : { minGen }, empty);
    expect(error).toMatchObject({ name: "ManifestNotFoundError", message, hint });
  });

  test("another passphrase", async () => {
    expect(await refusal("wrong")).toMatchObject({
      name: "WrongPassphraseError",
      message: "wrong passphrase for api/prod",
      hint: "the bucket says (unproven): changed 0 s ago by ann@build-7; check where the passphrase comes from, and if it was rotated, roll the new one out",
    });
  });

  test("a passphrase whose window is over", async () => {
    await world.rotate(OLD, NEW, { graceMs: 1 });
    world.clock.ms += 1;
    expect(await refusal(OLD)).toMatchObject({
      name: "PassphraseRetiredError",
      message: "this passphrase was rotated away; its grace window ended 2026-01-01T00:00:00.001Z",
      hint: "set VSYNC_PASSPHRASE to the new passphrase",
    });
  });

  test("another vault, another env, an older generation", async () => {
    const { vault } = world.identity;
    expect(await refusal(OLD, { vault: OTHER_VAULT })).toMatchObject({
      name: "NotAuthenticError",
      message: `the manifest is of vault ${vault}, not ${OTHER_VAULT}`,
    });
    expect(await refusal(OLD, { env: 'st"g' })).toMatchObject({
      name: "NotAuthenticError",
      message: String.raw`the manifest is of another env than "st\"g"`,
    });
    expect(await refusal(OLD, { minGen: 2 })).toMatchObject({
      name: "RollbackError",
      message: "the store offers generation 1, generation 2 was seen before",
    });
  });

  test("the vault, env and generation that were expected are no fault", async () => {
    const expectation = { vault: world.identity.vault, env: ENV, minGen: 1 };
    const opened = await world.openAfresh(OLD, expectation);
    expect(opened.manifest.gen).toBe(1);
  });
});

describe("a rotation", () => {
  test.each([
    ["is empty", "", "the new passphrase is empty", "give one, or let --generate make one"],
    ["is the old one", OLD, "the new passphrase is the old one", "choose another, or let --generate make one"],
  ])("whose new passphrase %s", async (_name, to, message, hint) => {
    const error = await rejection(world.rotate(OLD, to));
    expect(error).toMatchObject({ name: "InputError", message, hint });
  });

  test.each([-1, 0, LAST_INSTANT_MS - START_MS + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    "whose window of %d ms ends at no time that can be written",
    async (graceMs) => {
      const error = await rejection(world.rotate(OLD, NEW, { graceMs }));
      expect(error).toMatchObject({
        name: "InputError",
        message: "the grace window must be positive and end before the year 10000",
        hint: "give it as in --grace=24h",
      });
    },
  );

  test("whose window ends in the last millisecond that can be written", async () => {
    const { plan } = await world.rotate(OLD, NEW, { graceMs: LAST_INSTANT_MS - START_MS });
    expect(plan.graceUntil).toBe("9999-12-31T23:59:59.999Z");
  });

  test("that is declined writes nothing", async () => {
    const asked = world.store.requests.length;
    expect((await world.rotate(OLD, NEW, { confirm: () => false })).committed).toBeNull();
    expect(world.store.requests.slice(asked).some(({ bytes }) => bytes !== undefined)).toBe(false);
  });
});

describe("a commit whose swap of the manifest fails", () => {
  /** What a push is refused with, where the swap ends as `failed` says. */
  async function swapFailing(failed: Error): Promise<unknown> {
    world.store.faults = {
      before({ operation, key }) {
        if (operation === "replace" && key === MANIFEST_KEY) throw failed;
      },
    };
    return rejection(world.push({ A: "2" }));
  }

  test.each([
    [
      new ConflictError("injected"),
      { name: "ConflictError", message: `another writer committed generation 2 first; ${STALE}` },
    ],
    [
      new OutcomeUnknownError("no answer"),
      { name: "OutcomeUnknownError", message: "generation 2 may or may not have been committed: no answer" },
    ],
    [
      new AccessDeniedError("refused", { hint: "its own" }),
      { name: "AccessDeniedError", message: `refused; ${STALE}`, hint: "its own" },
    ],
    [
      new S3UnreachableError("gone", { hint: "its own" }),
      { name: "S3UnreachableError", message: `gone; ${STALE}`, hint: "its own" },
    ],
  ])("%s: says whether it stands, and which object is left", async (failed, expected) => {
    expect(await swapFailing(failed)).toMatchObject(expected);
  });

  test("for a reason that nobody knows: is handed on as it is", async () => {
    const failed = new TypeError("a fault of the program");
    expect(await swapFailing(failed)).toBe(failed);
  });
});

describe("a commit whose row cannot be appended", () => {
  function rowsFailing(failed: Error): void {
    world.store.faults = {
      before({ operation, key }) {
        if (operation === "create" && key.startsWith("audit/")) throw failed;
      },
    };
  }

  test("stands, and says why", async () => {
    const failed = new AccessDeniedError("refused");
    rowsFailing(failed);
    expect(await world.push({ A: "2" })).toMatchObject({ committed: { auditFault: failed, manifest: { gen: 2 } } });
  });

  test("through a fault of the program: that is handed on", async () => {
    const failed = new TypeError("a fault of the program");
    rowsFailing(failed);
    expect(await rejection(world.push({ A: "2" }))).toBe(failed);
  });
});

describe("a commit whose bundle has a name that is taken", () => {
  function taken(names: number): void {
    for (let at = 1; at <= names; at++) {
      const key = `v=20260101T000000${String(at).padStart(3, "0")}Z`;
      world.store.bucket.set(key, { bytes: Uint8Array.of(1), version: "orphan" });
    }
  }

  test("takes the next millisecond that is free, a hundred tries after the first", async () => {
    taken(100);
    using proposal = await world.proposePush({ A: "2" });
    expect(await takeAll(proposal.steps())).toEqual(["ready", "bundle-created", "manifest-swapped", "done"]);
    expect(world.store.bucket.has("v=20260101T000000101Z")).toBe(true);
  });

  test("and gives up where that is taken too", async () => {
    taken(101);
    expect(await rejection(world.push({ A: "2" }))).toMatchObject({ name: "ConflictError" });
    expect(
      world.store.requests.filter(({ operation, key }) => operation === "create" && key.startsWith("v=")),
    ).toHaveLength(102);
  });

  test("another fault than a taken name is not tried again", async () => {
    const failed = new AccessDeniedError("refused");
    world.store.faults = {
      before({ operation, key }) {
        if (operation === "create" && key.startsWith("v=")) throw failed;
      },
    };
    const asked = world.store.requests.length;
    expect(await rejection(world.push({ A: "2" }))).toBe(failed);
    expect(world.store.requests.slice(asked).filter(({ operation }) => operation === "create")).toHaveLength(1);
  });
});
