import type { ChildProcess, StdioOptions } from "node:child_process";

/** Where a program's stdout and stderr lead. */
export interface ChildOutput {
  readonly stdio: StdioOptions;
  /** Called once the program has been started; resolves when all that it prints has been passed on. */
  passOn(child: ChildProcess): Promise<void>;
}

/** To where this process's own lead, with nothing in between. */
export const SHARED_OUTPUT: ChildOutput = { stdio: "inherit", async passOn() {} };
