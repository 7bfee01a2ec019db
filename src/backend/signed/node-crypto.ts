type NodeCrypto = typeof import("node:crypto");

interface Globals {
  readonly process?: { getBuiltinModule?: (name: string) => NodeCrypto | undefined };
  readonly navigator?: { readonly userAgent?: string };
}

let found: NodeCrypto | null | undefined;

/** The synchronous crypto of Node.js, Bun and Deno; null elsewhere. Workers imitate it in parts. */
export function nodeCrypto(): NodeCrypto | null {
  if (found === undefined) {
    const { process, navigator } = globalThis as Globals;
    const imitated = navigator?.userAgent === "Cloudflare-Workers";
    found = (imitated ? undefined : process?.getBuiltinModule?.("node:crypto")) ?? null;
  }
  return found;
}
