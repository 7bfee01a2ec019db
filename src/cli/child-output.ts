import type { ChildProcess, StdioOptions } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { type OsPipe, openOsPipes } from "./os-pipe.ts";

/** Where a program's stdout and stderr lead. */
export interface ChildOutput {
  readonly stdio: StdioOptions;
  /** Called once the program has been started; resolves when all that it prints has been passed on. */
  passOn(child: ChildProcess): Promise<void>;
}

/** Passes a stream on, perhaps not as it is; resolves where it ends, or where its reader has gone. */
export type PassOn = (from: Readable, to: Writable) => Promise<void>;

/** To where this process's own lead, with nothing in between. */
export const SHARED_OUTPUT: ChildOutput = { stdio: "inherit", async passOn() {} };

/** Through `passOn`. */
export async function pipedOutput(passOn: PassOn): Promise<ChildOutput> {
  const pipes = await openOsPipes(2);
  const [stdout, stderr] = pipes ?? [];
  return stdout === undefined || stderr === undefined ? throughSockets(passOn) : throughPipes(passOn, stdout, stderr);
}

function throughPipes(passOn: PassOn, stdout: OsPipe, stderr: OsPipe): ChildOutput {
  return {
    stdio: ["inherit", stdout.writeFd, stderr.writeFd],
    async passOn() {
      // The program alone holds them from here on: they end when it does.
      for (const { writeFd } of [stdout, stderr]) closeSync(writeFd);
      await Promise.all([passOn(stdout.readEnd, process.stdout), passOn(stderr.readEnd, process.stderr)]);
    },
  };
}

function throughSockets(passOn: PassOn): ChildOutput {
  return {
    stdio: ["inherit", "pipe", "pipe"],
    async passOn({ stdout, stderr }) {
      if (stdout === null || stderr === null) return;
      await Promise.all([passOn(stdout, process.stdout), passOn(stderr, process.stderr)]);
    },
  };
}
