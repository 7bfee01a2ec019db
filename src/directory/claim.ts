import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessTable } from "../disk/process-table.ts";
import { S3UnreachableError } from "../errors.ts";
import {
  createWorkFile,
  discard,
  listWorkFiles,
  modifiedAtMs,
  newWorkFile,
  renew,
  type WorkFile,
} from "./work-folder.ts";

/*
 * Mutual exclusion between processes that share nothing but a folder, and may be killed at any moment.
 *
 * A contender creates a claim file under a fresh name, then lists the claims. If it is alone, it holds the object until
 * it removes its claim. If it is not, it removes its claim at once and tries again a little later.
 *
 * Two contenders never hold together: each lists after its own claim exists, and a holder's claim stays until it is
 * done. One of the two claims is the later one; its maker listed later still, saw the other claim, and withdrew.
 *
 * A dead process blocks nobody: a claim's name says whose it is, and anyone may remove the claim of a process that has
 * ended. Names are never used again, so this cannot hurt a living process. Nobody takes over, renames or rewrites a
 * claim, so a claim is never half made. Two contenders that meet both withdraw and lose only time: their waits are random.
 *
 * Nobody can ask about an owner on another machine that shares the folder. It gets LEASE_MS, by the clock of the file
 * system. There the proof assumes that no process sleeps that long between `confirm` and its next system call.
 */

const LEASE_MS = 30_000;
const LONGEST_WAIT_MS = 40;

export interface ClaimRequest {
  readonly folder: string;
  /** See `WorkFile.subject`. */
  readonly subject: string;
  readonly processes: ProcessTable;
  /** How long to keep trying, in milliseconds. */
  readonly timeoutMs: number;
  /** The object's name for messages. */
  readonly label: string;
  /** Called before every further try. Throws if waiting has become pointless. */
  readonly checkWorthWaiting: () => Promise<void>;
}

export interface Claim {
  /**
   * Call it right before the change.
   *
   * @throws S3UnreachableError the claim has expired: change nothing
   */
  confirm(): Promise<void>;
}

/**
 * Calls `work` while no other process does so for the same subject in the same folder.
 *
 * @throws S3UnreachableError another process held the claim for all of `timeoutMs`
 */
export async function withClaim<T>(request: ClaimRequest, work: (claim: Claim) => Promise<T>): Promise<T> {
  const own = await acquire(request);
  try {
    return await work({ confirm: () => confirm(own, request.label) });
  } finally {
    await discard(own);
  }
}

async function acquire(request: ClaimRequest): Promise<WorkFile> {
  const deadlineMs = performance.now() + request.timeoutMs;
  for (let attempt = 1; ; attempt++) {
    const attempted = await tryToClaim(request);
    if ("own" in attempted) return attempted.own;
    if (performance.now() >= deadlineMs) throw await heldTooLong(attempted.rival, request);
    await sleep(randomInt(1, Math.min(2 ** attempt, LONGEST_WAIT_MS) + 1));
    await request.checkWorthWaiting();
  }
}

async function tryToClaim(request: ClaimRequest): Promise<{ own: WorkFile } | { rival: WorkFile }> {
  // The proof does not need this check, but every claim disturbs all others who are about to make theirs.
  const before = await findRival(request, null);
  if (before) return { rival: before };
  const own = newWorkFile(request.folder, "claim", request.subject, await request.processes.self());
  try {
    await createWorkFile(own);
    const rival = await findRival(request, own);
    if (!rival) return { own };
    await discard(own);
    return { rival };
  } catch (error) {
    await discard(own);
    throw error;
  }
}

/** The claim of another contender that may be alive. Removes the claims of dead ones on the way. */
async function findRival({ folder, subject, processes }: ClaimRequest, own: WorkFile | null): Promise<WorkFile | null> {
  for (const file of await listWorkFiles(folder)) {
    if (file.kind !== "claim" || file.subject !== subject || file.path === own?.path) continue;
    const status = await processes.status(file.owner);
    if (status === "alive") return file;
    // Only a claim of our own shows the file system's time, so the first look skips claims that it cannot judge.
    if (status === "unknown" && !own) continue;
    if (status === "unknown" && own && !(await hasRunOut(file, own))) return file;
    await discard(file);
  }
  return null;
}

async function hasRunOut(file: WorkFile, own: WorkFile): Promise<boolean> {
  const [madeAtMs, nowMs] = await Promise.all([modifiedAtMs(file), modifiedAtMs(own)]);
  return madeAtMs === null || (nowMs !== null && Math.abs(nowMs - madeAtMs) > LEASE_MS);
}

async function confirm(own: WorkFile, label: string): Promise<void> {
  if (await renew(own)) return;
  throw new S3UnreachableError(`lost the claim on ${label}: this process was stopped for too long`, {
    hint: "nothing was written: run the command again",
  });
}

async function heldTooLong({ owner }: WorkFile, { label, timeoutMs, processes }: ClaimRequest): Promise<Error> {
  const isHere = owner.place === (await processes.self()).place;
  const holder = isHere ? `process ${owner.pid}` : `process ${owner.pid} of another machine or container`;
  return new S3UnreachableError(`${holder} has held the lock on ${label} for ${timeoutMs / 1000} s`, {
    hint: `wait for process ${owner.pid} or end it, then run the command again`,
  });
}
