import { inWorkers } from "../workers.ts";

type NodeCrypto = typeof import("node:crypto");

interface Globals {
  readonly process?: { getBuiltinModule?: (name: string) => NodeCrypto | undefined };
}

let found: NodeCrypto | null | undefined;

/** The synchronous crypto of Node.js, Bun and Deno; null elsewhere. Workers implement only parts of it. */
export function nodeCrypto(): NodeCrypto | null {
  if (found === undefined) {
    const { process } = globalThis as Globals;
    found = (inWorkers() ? undefined : process?.getBuiltinModule?.("node:crypto")) ?? null;
  }
  return found;
}
