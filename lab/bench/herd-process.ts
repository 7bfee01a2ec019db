import { createInterface } from "node:readline";
import { VsyncError } from "../../src/errors.ts";
import { Vsync } from "../../src/runtime/vsync.ts";

/** Boots many instances at once, as far as one process can; each has its own client and connection. */
export interface HerdOrder {
  readonly token: string;
  readonly passphrase: string;
  readonly instances: number;
}

export interface HerdAnswer {
  /** Milliseconds of each `Vsync.open()` that succeeded. */
  readonly openedMs: readonly number[];
  /** Counts by error class. */
  readonly failed: Readonly<Record<string, number>>;
}

async function boot({ token, passphrase, instances }: HerdOrder): Promise<HerdAnswer> {
  const openedMs: number[] = [];
  const failed: Record<string, number> = {};
  const one = async (): Promise<void> => {
    const startMs = performance.now();
    try {
      const vault = await Vsync.open({ config: token, passphrase, env: {} });
      openedMs.push(performance.now() - startMs);
      await vault.close();
    } catch (error) {
      const name = error instanceof VsyncError ? error.name : "another error";
      failed[name] = (failed[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: instances }, one));
  return { openedMs, failed };
}

// Answers once loaded; then all processes of a herd can start together.
process.stdout.write("{}\n");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await boot(JSON.parse(line) as HerdOrder))}\n`);
}
