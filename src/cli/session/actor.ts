import { hostname, userInfo } from "node:os";
import type { Actor } from "../../vault/format/manifest.ts";
import { toolName } from "../command/version.ts";

/** Who the manifest and the audit row will say has made a change. */
export function currentActor(): Actor {
  return { user: userName().toWellFormed(), host: hostname().toWellFormed(), tool: toolName() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that no account has.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
