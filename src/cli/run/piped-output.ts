import { closeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { ChildOutput } from "./child-output.ts";
import { type OsPipe, openOsPipes } from "./os-pipe.ts";

/** Passes a stream on, perhaps not as it is; resolves where it ends, or where its reader has gone. */
type PassOn = (from: Readable, to: Writable) => Promise<void>;

/** The output of a program, by way of `passOn`. */
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
