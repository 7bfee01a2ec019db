import { rm } from "node:fs/promises";
import { openSandbox, type Sandbox } from "../../../test/support/program/sandbox.ts";
import { type StrictS3, startStrictS3 } from "../../../test/support/strict-s3/server.ts";
import type { Trial } from "./trial.ts";

/** A store and a machine for a sequence of trials. */
export interface Lane {
  readonly server: StrictS3;
  readonly sandbox: Sandbox;
}

export type LaneTrial = (lane: Lane) => Trial;

/** Runs the work for each item in order, as many at once as there are lanes. */
export async function inLanes<T>(
  count: number,
  all: readonly T[],
  work: (one: T, lane: Lane) => Promise<void>,
): Promise<void> {
  const left = all.map((one) => ({ one }));
  const lanes = Array.from({ length: Math.min(count, all.length) }, () =>
    withLane(async (lane) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next.one, lane);
    }),
  );
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function withLane(work: (lane: Lane) => Promise<void>): Promise<void> {
  await using sandbox = await openSandbox();
  const server = await startStrictS3();
  try {
    await work({ server, sandbox });
  } finally {
    await server.close();
  }
}

/** The machine as it was before its first command. */
export async function emptied({ sandbox }: Lane): Promise<void> {
  for (const folder of [`${sandbox.configFolder}/api`, `${sandbox.work}/old-passphrase`, `${sandbox.work}/new.token`]) {
    await rm(folder, { recursive: true, force: true });
  }
}
