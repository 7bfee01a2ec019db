import { beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import type { CommitStep } from "../../src/vault/commit/proposal.ts";
import { tellingTheSwap } from "../../src/vault/commit/swap-manifest.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { StoreRequest } from "../support/memory-store.ts";
import { HOUR_MS, NEW, OLD, rejection, takeAll, World } from "../support/world.ts";

/** Generation 2, inside a grace window. */
let world: World;
beforeEach(async () => {
  world = await World.pushed();
  await world.rotate(OLD, NEW, { graceMs: HOUR_MS });
});

const STALE = "; stale object at v=20260101T000000002Z is harmless (manifest never named it)";
const commits: readonly [string, () => Promise<unknown>][] = [
  ["rotate", () => world.rotate(NEW, "a third passphrase")],
  ["finish", () => world.finish({ by: NEW })],
];

function failing(at: (request: StoreRequest) => boolean, failed: Error): void {
  world.store.faults = {
    before(request) {
      if (request.bytes !== undefined && at(request)) throw failed;
    },
  };
}

describe.each(commits)("%s, where the bundle cannot be written", (_name, commit) => {
  const atTheBundle = ({ key }: StoreRequest) => key.startsWith("v=");

  test.each([
    new AccessDeniedError("refused"),
    new S3UnreachableError("gone"),
    new ConflictError("taken"),
    new TypeError("a fault of the program"),
  ])("%s: is handed on as it is", async (failed) => {
    failing(atTheBundle, failed);
    expect(await rejection(commit())).toBe(failed);
  });

  test("an answer that is lost is no unknown outcome: no manifest names what was sent", async () => {
    failing(atTheBundle, new OutcomeUnknownError("no answer"));
    expect(await rejection(commit())).toMatchObject({
      name: "S3UnreachableError",
      message: "the new generation was not written: no answer",
      hint: "the vault is as it was: run the same command again",
    });
  });
});

describe.each(commits)("%s, where the manifest cannot be swapped", (_name, commit) => {
  const atTheSwap = ({ key }: StoreRequest) => key === MANIFEST_KEY;

  test.each([
    new AccessDeniedError("refused", { hint: "its own" }),
    new S3UnreachableError("gone", { hint: "its own" }),
  ])("%s: says that the swap failed, and keeps the next step", async (failed) => {
    failing(atTheSwap, failed);
    expect(await rejection(commit())).toMatchObject({
      name: "ManifestSwapFailedError",
      message: `the manifest was not swapped: ${failed.message}${STALE}`,
      hint: "its own",
    });
  });

  test("an answer that is lost is an unknown outcome, and another writer is a conflict", async () => {
    failing(atTheSwap, new OutcomeUnknownError("no answer"));
    expect(await rejection(commit())).toMatchObject({
      name: "OutcomeUnknownError",
      message: "generation 3 may or may not have been committed: no answer",
    });
    failing(atTheSwap, new ConflictError("other bytes"));
    expect(await rejection(commit())).toMatchObject({ name: "ConflictError" });
  });

  test("a fault of the program is handed on as it is", async () => {
    const failed = new TypeError("a fault of the program");
    failing(atTheSwap, failed);
    expect(await rejection(commit())).toBe(failed);
  });
});

test("once the manifest is swapped, nothing that fails is called a failed swap", async () => {
  const failed = new AccessDeniedError("refused");
  async function* steps(): AsyncGenerator<CommitStep> {
    yield { kind: "bundle-created" };
    yield { kind: "manifest-swapped" };
    throw failed;
  }
  expect(await rejection(takeAll(tellingTheSwap(steps())))).toBe(failed);
});
