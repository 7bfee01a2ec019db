import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/**
 * Parses git's files and never runs git, and ignores GIT_* variables: the author of a checkout can make its config
 * start a program, and a variable can point anywhere. Includes are not followed.
 */

/** A git config usually has a few hundred bytes. */
const MAX_BYTES = 1024 * 1024;

/** A working tree of git. */
export interface WorkTree {
  readonly top: string;
  /**
   * The real path of the git folder that all worktrees of the clone share; null if `.git` only claims to belong to it.
   */
  readonly common: string | null;
  /** `github.com/acme/api`, without scheme, user and `.git`; for a remote on this machine its path; or null. */
  readonly remote: string | null;
}

/** The working tree whose top folder has `.git`: a folder, or in a worktree or submodule a file. */
export async function readWorkTree(top: string): Promise<WorkTree> {
  const common = await commonFolder(top).catch(() => null);
  const config = common === null ? null : await readSmall(join(common, "config"));
  return { top, common, remote: config === null ? null : remoteIn(config) };
}

async function commonFolder(top: string): Promise<string | null> {
  const dotGit = join(top, ".git");
  const stats = await lstat(dotGit);
  if (stats.isDirectory()) return realpath(dotGit);
  const pointer = stats.isFile() ? lineIn(await readSmall(dotGit)) : null;
  const given = pointer === null ? null : /^gitdir: (.+)$/.exec(pointer)?.[1];
  if (given === null || given === undefined) return null;
  const gitFolder = await realpath(resolve(top, given));
  const shared = lineIn(await readSmall(join(gitFolder, "commondir")));
  // A `.git` file in an unpacked archive can name any clone, so clone has to point back at this folder.
  const isMutual = shared === null ? await isSubmodule(gitFolder, top) : await isWorktree(gitFolder, dotGit);
  if (!isMutual) return null;
  return shared === null ? gitFolder : realpath(resolve(gitFolder, shared));
}

async function isWorktree(gitFolder: string, dotGit: string): Promise<boolean> {
  const back = lineIn(await readSmall(join(gitFolder, "gitdir")));
  return back !== null && (await realpath(resolve(gitFolder, back))) === (await realpath(dotGit));
}

async function isSubmodule(gitFolder: string, top: string): Promise<boolean> {
  const back = valueIn((await readSmall(join(gitFolder, "config"))) ?? "", /^core$/, "worktree");
  return back !== undefined && (await realpath(resolve(gitFolder, back))) === top;
}

/** The name of the clone: that of its folder, or of a bare repository without `.git`. */
export function cloneName(common: string): string {
  const name = basename(common);
  return name === ".git" ? basename(dirname(common)) : name.replace(/\.git$/, "");
}

/** The path of a remote without the host: `acme/api`; null for a remote on this machine. */
export function pathOfRemote(remote: string): string | null {
  return remote.startsWith("/") || remote.startsWith(".") ? null : remote.slice(remote.indexOf("/") + 1);
}

function remoteIn(config: string): string | null {
  const origin = valueIn(config, /^remote "origin"$/, "url");
  const only =
    [...config.matchAll(/^\s*\[remote\s+"/gim)].length === 1 ? valueIn(config, /^remote "/, "url") : undefined;
  const url = origin ?? only;
  return url === undefined ? null : withoutAccess(url);
}

/** A remote's URL may contain a token, which must not reach a config or message. */
function withoutAccess(url: string): string {
  const [, address] = /^[a-z+]+:\/\/(.*)$/i.exec(url) ?? [];
  const scp = address === undefined ? /^(?:[^/:@]+@)?([^/:]{2,}):(?!\/\/)(.+)$/.exec(url) : null;
  const full = scp === null ? address : `${scp[1]}/${scp[2]}`;
  const tidy = (path: string): string => path.replace(/\/+$/, "").replace(/\.git$/, "");
  if (full === undefined || url.startsWith("file:")) return tidy(full ?? url);
  const [host = "", ...path] = tidy(full).split("/");
  const named = host.replace(/^[^@]*@/, "").replace(/:\d+$/, "");
  return [named.toLowerCase(), ...path.filter((part) => part !== "")].join("/");
}

/** The last value of a variable in git's config syntax, as far as git itself writes that syntax. */
function valueIn(config: string, section: RegExp, variable: string): string | undefined {
  let current = "";
  let found: string | undefined;
  for (const line of config.split(/\r?\n/)) {
    const [, name = "", sub] = /^\s*\[\s*([A-Za-z0-9.-]+)(?:\s+("(?:[^"\\]|\\.)*"))?\s*\]/.exec(line) ?? [];
    if (name !== "") current = sub === undefined ? name.toLowerCase() : `${name.toLowerCase()} ${sub}`;
    const [, key = "", value = ""] = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section.test(current) && key.toLowerCase() === variable) found = unquoted(value);
  }
  return found;
}

function unquoted(value: string): string {
  const plain = value.startsWith('"') ? value : value.replace(/\s+[#;].*$/, "");
  return plain.replace(/^"(.*)"$/, "$1").replace(/\\(["\\])/g, "$1");
}

const lineIn = (text: string | null): string | null => text?.trim() || null;

/** Null unless it is a regular file. Opening a named pipe would wait for a writer. */
export async function readSmall(path: string, maxBytes = MAX_BYTES): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > maxBytes) return null;
  return readFile(path, "utf8").catch(() => null);
}
