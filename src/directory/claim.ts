import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessTable } from "../disk/process-table.ts";
import { S3UnreachableError } from "../errors.ts";
import { createWorkFile, discard, listWorkFiles, modifiedAtMs, newWorkFile, type WorkFile } from "./work-folder.ts";

/*
 * Mutual exclusion between processes that share nothing but a folder, and may be killed at any moment.
 *
 * A contender makes a claim file of a name that is its own, then lists the claims. Alone, it holds the object until it
 * removes its claim; in company, it removes its claim at once and tries again a little later.
 *
 * Why two never hold together: each listed after its own claim was there, and a holder's claim stays until it is done.
 * Of two claims one was made later; the listing of its maker began later still and showed the other. So it withdrew.
 *
 * Why the dead block nobody: a claim's name says whose it is, and anyone may remove one whose owner has ended. That
 * takes nothing from the living, for the name is never used again. Nothing is ever taken over, renamed or rewritten, so
 * there is no moment at which a claim is half made. That two who meet both withdraw costs time only: waits are random.
 *
 * An owner that cannot be asked about (on another machine that shares the folder) is given LEASE_MS, by the clock of
 * the file system. There the proof needs that no process sleeps for so long between `confirm` and its next system call.
 */

const LEASE_MS = 30_000;
const LONGEST_WAIT_MS = 40;

export interface ClaimRequest {
  readonly folder: string;
  /** See `WorkFile.subject`. */
  readonly subject: string;
  readonly processes: ProcessTable;
  /** How long to try. */
  readonly timeoutMs: number;
  /** What a person calls the object, for messages. */
  readonly label: string;
  /** Asked before every further try: throws where there is nothing left to wait for. */
  readonly checkWorthWaiting: () => Promise<void>;
}

export interface Claim {
  /** To be called last before the change. @throws S3UnreachableError the claim has run out; nothing may be changed now */
  confirm(): Promise<void>;
}

/**
 * Calls `work` while no other process is in `work` for the same subject of the same folder.
 *
 * @throws S3UnreachableError another process has held the claim for all of `timeoutMs`
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
  // A look before making a claim: not needed for the proof, but a claim disturbs everyone who is about to make theirs.
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

/** A claim of another contender that may be alive. Those of the dead are removed on the way. */
async function findRival({ folder, subject, processes }: ClaimRequest, own: WorkFile | null): Promise<WorkFile | null> {
  for (const file of await listWorkFiles(folder)) {
    if (file.kind !== "claim" || file.subject !== subject || file.path === own?.path) continue;
    const status = await processes.status(file.owner);
    if (status === "alive") return file;
    // Only a claim of our own tells the file system's time, so the first look passes over what it cannot judge.
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
  if ((await modifiedAtMs(own)) !== null) return;
  throw new S3UnreachableError(`lost the claim on ${label}: this process stood still for too long`, {
    hint: "nothing was written: run the command again",
  });
}

async function heldTooLong({ owner }: WorkFile, { label, timeoutMs, processes }: ClaimRequest): Promise<Error> {
  const isHere = owner.place === (await processes.self()).place;
  const holder = isHere ? `process ${owner.pid}` : `process ${owner.pid} of another machine or container`;
  return new S3UnreachableError(`${holder} has kept ${label} to itself for ${timeoutMs / 1000} s`, {
    hint: `wait for process ${owner.pid} or end it, then run the command again`,
  });
}
