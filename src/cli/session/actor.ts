import { hostname, userInfo } from "node:os";
import type { Actor } from "../../vault/format/manifest.ts";
import { toolName } from "../command/version.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The author that the manifest and the audit row name. Nobody verifies it: a machine says this about itself. */
export function currentActor(variables: Variables, accountOf = accountName): Actor {
  const user = variables["VSYNC_ACTOR"] || actorInCi(variables) || accountOf();
  return { user: user.toWellFormed(), host: hostname().toWellFormed(), tool: toolName() };
}

/** The person who started a CI job, whose account is a machine's. */
function actorInCi(variables: Variables): string | undefined {
  const { CI = "", GITHUB_ACTOR, GITLAB_USER_LOGIN } = variables;
  return CI === "" || CI === "false" ? undefined : GITHUB_ACTOR || GITLAB_USER_LOGIN;
}

/** The account of this process's uid, never what $USER says. */
function accountName(): string {
  const uid = process.getuid?.();
  if (uid === undefined) return userInfo().username;
  try {
    return process.versions["bun"] === undefined ? userInfo().username : accountById();
  } catch {
    // A container may run under a number that no account has.
    return `uid ${uid}`;
  }
}

/** bun's `userInfo` reads $USER. An absolute path and no environment, because PATH may name somebody's program. */
function accountById(): string {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  return execFileSync("/usr/bin/id", ["-un"], {
    env: {},
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
