import type { UsageEvent } from "./event.ts";
import { MeteringError } from "./meters.ts";
import { type RecorderParts, UsageRecorder } from "./recorder.ts";

/**
 * Records each event in its own batch, which is in the store before `record` resolves. For a Worker, which has no disk
 * and runs nothing between requests. Requests cannot share a batch, because one cannot wait for what another started.
 */
export class UnbatchedRecorder implements Pick<UsageRecorder, "record" | "flush" | "close" | "waiting"> {
  readonly waiting = 0;
  readonly #parts: RecorderParts;

  constructor(parts: Omit<RecorderParts, "spool" | "later">) {
    this.#parts = { ...parts, spool: null, later: () => undefined };
  }

  /** @throws MeteringError not_recorded: try again, with the same id */
  async record(event: UsageEvent): Promise<void> {
    const one = new UsageRecorder(this.#parts);
    await one.record(event);
    await one.flush().catch((cause: unknown) => {
      if (cause instanceof MeteringError) throw cause;
      throw new MeteringError("not_recorded", `the store took no usage: ${String(cause)}`, { cause });
    });
  }

  /** Nothing waits. */
  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
