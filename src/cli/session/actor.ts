import { hostname, userInfo } from "node:os";
import type { Actor } from "../../vault/format/manifest.ts";
import { toolName } from "../command/version.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The author in the manifest and the audit row. Nobody verifies it; it is what a machine claims. */
export function currentActor(variables: Variables, accountOf = accountName): Actor {
  const user = variables["VSYNC_ACTOR"] || actorInCi(variables) || accountOf();
  return { user: user.toWellFormed(), host: hostname().toWellFormed(), tool: toolName() };
}

/** In CI the account is a machine's, so this takes the person who started the job. */
function actorInCi(variables: Variables): string | undefined {
  const { CI = "", GITHUB_ACTOR, GITLAB_USER_LOGIN } = variables;
  return CI === "" || CI === "false" ? undefined : GITHUB_ACTOR || GITLAB_USER_LOGIN;
}

/** The account of this process's uid. $USER is never trusted. */
function accountName(): string {
  const uid = process.getuid?.();
  if (uid === undefined) return userInfo().username;
  try {
    return process.versions["bun"] === undefined ? userInfo().username : accountById();
  } catch {
    // A container may run under a uid without an account.
    return `uid ${uid}`;
  }
}

/**
 * Under Bun, `userInfo` reads $USER, so this runs `id`: by its absolute path and without an environment, because PATH
 * may lead to somebody else's program.
 */
function accountById(): string {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  return execFileSync("/usr/bin/id", ["-un"], {
    env: {},
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
