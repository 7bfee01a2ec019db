import { describe, expect, test } from "vitest";
import {
  AccessDeniedError,
  ManifestSwapFailedError,
  OutcomeUnknownError,
  S3UnreachableError,
  VsyncError,
} from "../../src/errors.ts";
import type { Committed } from "../../src/vault/commit/proposal.ts";
import { AUDIT_PREFIX, auditKey, MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import type { StoreRequest } from "../../test/support/memory-store.ts";
import type { World } from "../../test/support/world.ts";
import { expectChain, expectNext, expectReconciles, sightsOf, writerOf } from "./aftermath.ts";
import { type Fault, failingAt, faultsOf } from "./failing-store.ts";
import type { Sights, UseCase } from "./use-cases.ts";

const HARMLESS = /; stale object at v=\d{8}T\d{9}Z is harmless \(manifest never named it\)$/;

/** A fault around one request of a use-case. */
interface Case {
  readonly useCase: UseCase;
  /** The requests of an undisturbed run. */
  readonly requests: readonly StoreRequest[];
  readonly at: number;
  readonly fault: Fault;
  /** Counts the cases, to spread them over the kinds of next commit. */
  readonly number: number;
}

/** Every fault around every request. An undisturbed run during collection lists the requests. */
export async function describeCrashes(useCase: UseCase): Promise<void> {
  const undisturbed = useCase.world.fork();
  await useCase.act(undisturbed);
  const { requests } = undisturbed.store;
  const cases = requests.flatMap((request, at) => faultsOf(request).map((fault) => ({ request, at, fault })));
  describe(`${useCase.name}: ${requests.length} requests, ${cases.length} faults`, () => {
    test("undisturbed", async () => {
      expect(await sightsOf(useCase.world)).toEqual(useCase.before);
      expect(await sightsOf(undisturbed)).toEqual(useCase.after);
      expect(await expectChain(undisturbed, writerOf(useCase.after))).toBeNull();
    });
    for (const [number, { request, at, fault }] of cases.entries()) {
      const name = `${at + 1} ${request.operation} ${request.key}: ${fault.name}`;
      test(name, () => expectHolds({ useCase, requests, at, fault, number }));
    }
  });
}

async function expectHolds(it: Case): Promise<void> {
  const world = it.useCase.world.fork();
  await expectEnd(it, it.useCase.act(failingAt(world, it.at, it.fault)));
  const now = sightsNow(it);
  expect(await sightsOf(world)).toEqual(now);
  const writer = writerOf(now);
  if (world.store.bucket.has(MANIFEST_KEY)) {
    const outstanding = await expectChain(world, writer);
    expect(outstanding).toBe(expectedOutstanding(it, world));
    await expectReconciles(world.fork(), writer, outstanding);
  }
  await expectAgain(it, world.fork());
  await expectNext(world.fork(), writer, it.number);
}

function isApplied({ at, fault }: Case, request: number): boolean {
  return request !== -1 && (request < at || (request === at && fault.when === "after"));
}

function writeOf({ requests }: Case, wanted: string): number {
  return requests.findIndex(({ key, bytes }) => key === wanted && bytes !== undefined);
}

function isCommitted(it: Case): boolean {
  return isApplied(it, writeOf(it, MANIFEST_KEY));
}

function sightsNow(it: Case): Sights {
  return isCommitted(it) ? it.useCase.after : it.useCase.before;
}

function expectedOutstanding(it: Case, world: World): number | null {
  const gens = Object.values(sightsNow(it)).map((sight) => (typeof sight === "string" ? 0 : sight.gen));
  const key = auditKey(Math.max(...gens));
  const there = it.useCase.world.store.bucket.has(key) || isApplied(it, writeOf(it, key));
  expect(world.store.bucket.has(key)).toBe(there);
  return there ? null : Math.max(...gens);
}

/** The report must match what happened: an error before the swap, and after it a commit that names its audit fault. */
async function expectEnd(it: Case, act: Promise<Committed | null>): Promise<void> {
  const end = await act.then(
    (committed) => ({ committed }),
    (error: unknown) => ({ error }),
  );
  const injected = it.fault.error();
  const swap = writeOf(it, MANIFEST_KEY);
  const appending = it.requests[it.at]?.key.startsWith(AUDIT_PREFIX) && swap !== -1 && it.at > swap;
  if (appending && injected instanceof VsyncError && !("error" in end)) {
    expect(end.committed?.auditFault).toBeInstanceOf(injected.constructor);
    return;
  }
  const error = "error" in end ? end.error : end;
  expect(error).toBeInstanceOf(toldAs(injected, it.useCase, it.at - swap));
  if (it.at === swap && isRefusal(injected)) expect((error as Error).message).toMatch(HARMLESS);
}

function tellsTheSwap({ name }: UseCase): boolean {
  return name.startsWith("rotate") || name.startsWith("finish");
}

/** @param afterSwap the number of requests between the swap and the fault; negative before the swap */
function toldAs(injected: Error, useCase: UseCase, afterSwap: number): unknown {
  if (tellsTheSwap(useCase) && afterSwap === 0 && isRefusal(injected)) return ManifestSwapFailedError;
  return afterSwap < 0 && injected instanceof OutcomeUnknownError ? S3UnreachableError : injected.constructor;
}

function isRefusal(error: Error): boolean {
  return error instanceof AccessDeniedError || error instanceof S3UnreachableError;
}

/** A second run is safe, even if you do not know how far the first one got. */
async function expectAgain(it: Case, world: World): Promise<void> {
  const again = await it.useCase.act(world).then(
    () => "resolves",
    (error: Error) => error.name,
  );
  expect(again).toBe(isCommitted(it) ? it.useCase.again : "resolves");
  const sights = await sightsOf(world);
  expect(sights).toMatchObject(secretsAlone(it.useCase.after));
  const outstanding = await expectChain(world, writerOf(sights));
  if (!isCommitted(it)) expect(outstanding).toBeNull();
}

/** Leaves out generations, because a second run of some use-cases makes another one. */
function secretsAlone(sights: Sights): object {
  const entries = Object.entries(sights).map(([passphrase, sight]) => [
    passphrase,
    typeof sight === "string" ? sight : { secrets: sight.secrets },
  ]);
  return Object.fromEntries(entries);
}
