import { access, constants, lstat, mkdir, readFile, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER_MODE, unlessThere } from "../../disk/folders.ts";
import { belongsToAnother, codeOf, hasErrno } from "../../disk/posix.ts";
import { createPrivateFile, READ_PLAIN_FILE } from "../../disk/private-file.ts";
import { InputError } from "../../errors.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type ConsentFlags, notConfirmed, requireAnswerable } from "../terminal/consent.ts";

/** `f_type` of statfs(2) for tmpfs and ramfs, whose files reach a disk only if the machine swaps. */
const MEMORY = new Set([0x01021994, 0x858458f6]);

type Vault = Pick<LocalConfig, "repo" | "env" | "vault" | "isRepoTyped">;

/** The file to resume from is gone. */
export class TextGoneError extends InputError {}

/**
 * The private folder of one edit. It outlives the editor and vsync, and is removed when the edit is committed or
 * dropped.
 */
export class Workspace {
  readonly folder: string;
  /** The file that the editor opens. */
  readonly path: string;
  /** What vsync wrote to that file; null if an earlier command started the edit. */
  readonly original: Uint8Array | null;

  constructor(folder: string, { env }: Vault, original: Uint8Array | null = null) {
    this.folder = folder;
    this.path = join(folder, `${env}.env`);
    this.original = original;
  }

  /** The file's original first line, which names the generation it comes from. Empty before the first push. */
  async base(): Promise<Uint8Array> {
    return readFile(join(this.folder, "base"), { flag: READ_PLAIN_FILE });
  }

  async read(): Promise<Uint8Array> {
    return readFile(this.path, { flag: READ_PLAIN_FILE }).catch((error: unknown) => {
      throw hasErrno(error, "ENOENT")
        ? new TextGoneError("the editor left no file: nothing was committed", {
            hint: "save the text under its own name",
          })
        : new InputError(`the editor left ${this.path} unreadable (${codeOf(error)}): nothing was committed`, {
            hint: "it must stay a plain file that you can read",
          });
    });
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The edit that an earlier command left unfinished, or null. */
export async function findWorkspace(target: Vault, variables: SecretSources["variables"]): Promise<Workspace | null> {
  for (const base of places(variables)) {
    const workspace = new Workspace(folderOf(base, target), target);
    if (!(await isThere(workspace.folder))) continue;
    await requirePrivate(base);
    if (await isThere(join(workspace.folder, "base"))) return workspace;
    // vsync was killed before the editor opened: nobody has typed anything, and the text may be incomplete.
    await workspace.remove();
  }
  return null;
}

/**
 * @throws InputError as `requirePrivate`, or the user declines a folder on a disk
 */
export async function makeWorkspace(
  target: Vault,
  content: { readonly text: Uint8Array; readonly header: string },
  flags: ConsentFlags,
  sources: SecretSources,
): Promise<Workspace> {
  const base = await choosePlace(flags, sources);
  const workspace = new Workspace(folderOf(base, target), target, content.text);
  await mkdir(base, { mode: FOLDER_MODE }).catch(unlessThere).catch(cannotMake(base));
  await requirePrivate(base);
  await mkdir(workspace.folder, { mode: FOLDER_MODE }).catch(cannotMake(workspace.folder));
  try {
    await createPrivateFile(workspace.path, content.text);
    // Written last: with this file, the folder is complete.
    await createPrivateFile(join(workspace.folder, "base"), content.header);
  } catch (error) {
    await workspace.remove().catch(() => undefined);
    cannotMake(workspace.path)(error);
  }
  return workspace;
}

function cannotMake(path: string): (error: unknown) => never {
  return (error) => {
    throw new InputError(`cannot make ${path} for the editor (${codeOf(error)})`, {
      hint: "set XDG_RUNTIME_DIR or TMPDIR to a folder that you can write to; vsync set changes one secret without a file",
    });
  };
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** In order of preference. The last one may be on a disk. */
function places(variables: SecretSources["variables"]): readonly string[] {
  const own = `vsync-${process.getuid?.() ?? "edit"}`;
  const runtime = variables["XDG_RUNTIME_DIR"];
  return [...(runtime ? [join(runtime, own)] : []), join("/dev/shm", own), join(tmpdir(), own)];
}

/** Contains the vault's id: a home shared with another machine may have an edit of a vault with the same name. */
function folderOf(base: string, { repo, env, vault }: Vault): string {
  return join(base, `${repo.replace("/", "%2F")}.${env}.${vault.slice(0, 8)}`);
}

async function choosePlace(flags: ConsentFlags, { variables, prompter }: SecretSources): Promise<string> {
  const all = places(variables);
  for (const base of all) if (await isUsableMemory(join(base, ".."))) return base;
  const last = all.at(-1) ?? "";
  requireAnswerable(flags, prompter);
  const question = `This machine has no folder in memory, and ${last} may be on a disk, where deleted text can be found. Edit there?`;
  if (flags.yes || (prompter.isInteractive && (await prompter.confirm(question)))) return last;
  throw notConfirmed("vsync set changes one secret without a file");
}

async function isUsableMemory(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return MEMORY.has((await statfs(folder)).type);
  } catch {
    return false;
  }
}

/** Everyone can write to /dev/shm and /tmp, so somebody else may have made a folder of that name. */
async function requirePrivate(base: string): Promise<void> {
  const stats = await lstat(base);
  if (stats.isDirectory() && !belongsToAnother(stats) && (process.platform === "win32" || (stats.mode & 0o077) === 0))
    return;
  throw new InputError(`${base} is not a folder that only you can use`, {
    hint: "remove it, or chmod 700 it if it is yours",
  });
}

/** Somebody may have put an hour's work into the edit. */
export function unfinished(workspace: Workspace, target: Vault): InputError {
  const edit = `vsync edit ${vaultArgs(target)}`;
  return new InputError(`an edit of ${target.repo}/${target.env} is not finished: ${workspace.path}`, {
    hint: `${edit} --resume resumes it, ${edit} --discard drops it`,
  });
}
