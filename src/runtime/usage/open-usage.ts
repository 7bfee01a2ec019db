import type { Secret } from "../../crypto/secret.ts";
import { hkdf } from "../../crypto/subkeys.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock, systemRandom } from "../../stores/open-store.ts";
import { parseCredential } from "../../tokens/credential.ts";
import { type BatchWriter, batchWriterOf } from "../../usage/batch.ts";
import { type RecorderParts, UsageRecorder } from "../../usage/recorder.ts";
import { UnbatchedRecorder } from "../../usage/unbatched-recorder.ts";
import { inWorkers } from "../../workers.ts";
import { UsageSpool } from "./usage-spool.ts";

/** How usage is recorded. */
export interface UsageOptions {
  /**
   * The folder for events that are not in a batch yet, accessible to this user only. Default: `VSYNC_USAGE_SPOOL`, or
   * one in the folder for temporary files. With false, such events are lost if the process is killed.
   */
  readonly spool?: string | false | undefined;
  /** Receives warnings. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/** Reports usage in the token's name. */
export interface OpenedUsage {
  readonly recorder: Pick<UsageRecorder, "record" | "flush" | "close" | "waiting">;
  /** Signs statements and batches. */
  readonly writer: BatchWriter;
}

export async function openUsage(
  vault: string,
  secret: Secret,
  store: ObjectStore,
  usageKey: RecorderParts["usageKey"],
  { spool: folder = process.env["VSYNC_USAGE_SPOOL"] || undefined, warn = emitWarning }: UsageOptions,
): Promise<OpenedUsage> {
  using credential = parseCredential(secret.exposeText());
  const writer = await batchWriterOf(vault, credential);
  const ports = { store, writer, clock: systemClock, random: systemRandom, usageKey, warn };
  if (inWorkers()) return { recorder: new UnbatchedRecorder(ports), writer };
  const key = hkdf(credential.seed.expose(), "vsync-usage-spool-v1");
  const spool = folder === false ? null : new UsageSpool({ folder, token: writer.id, key, clock: systemClock, warn });
  const recorder = new UsageRecorder({ ...ports, spool, later });
  await recorder.start();
  return { recorder, writer };
}

/** Does not keep an idle process alive: `shutdown` writes what is left. */
function later(work: () => void, ms: number): void {
  setTimeout(work, ms).unref();
}

function emitWarning(message: string): void {
  process.emitWarning(message, { code: "VSYNC_USAGE" });
}
