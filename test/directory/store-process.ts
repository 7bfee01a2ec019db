/** A separate process with a directory store that its parent controls. See `processes.ts`. */

import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { beforeEveryCall } from "./file-system-calls.ts";
import type { Ask, Interruption, Setup } from "./processes.ts";

const { location, claimTimeoutMs = 120_000, umask, interruption }: Setup = JSON.parse(process.argv[2] ?? "");
if (umask !== undefined) process.umask(umask);
const store = openDirectoryStore(location, { claimTimeoutMs });
const encoder = new TextEncoder();
const decoder = new TextDecoder();

process.on("message", (ask: Ask) => void answer(ask));
if (interruption) await interrupt(interruption);
process.send?.("ready");

async function answer(ask: Ask): Promise<void> {
  while (Date.now() < (ask.startAtMs ?? 0));
  try {
    process.send?.({ version: await perform(ask) });
  } catch (error) {
    process.send?.(error instanceof Error ? { error: error.name, message: error.message } : { error: String(error) });
  }
}

async function perform(ask: Ask): Promise<string> {
  switch (ask.operation) {
    case "create":
      return store.create(ask.key, encoder.encode(ask.content));
    case "replace":
      return store.replace(ask.key, encoder.encode(ask.content), ask.version);
    case "increment":
      return increment(ask.key, ask.times, ask.padding);
    default:
      return ask satisfies never;
  }
}

async function increment(key: string, times: number, padding: number): Promise<string> {
  let version = "";
  for (let done = 0; done < times; ) {
    const stored = await store.get(key, { maxBytes: 1024 * 1024 });
    const next = String(Number.parseInt(decoder.decode(stored?.bytes), 10) + 1);
    try {
      version = await store.replace(key, encoder.encode(next.padEnd(padding, ".")), stored?.version ?? "");
      done++;
      process.send?.("incremented");
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "ConflictError") throw error;
    }
  }
  return version;
}

/** Sends this process a signal just before the n-th file system call, or before the first of a name. */
async function interrupt({ before, signal }: Interruption): Promise<void> {
  let calls = 0;
  await beforeEveryCall((name) => {
    calls++;
    if (before === calls || before === name) process.kill(process.pid, signal);
  });
}
