import { dirname } from "node:path";
import { writeFileBelow } from "../../disk/files-below.ts";
import { makeFolder } from "../../disk/folders.ts";
import { codeOf } from "../../disk/posix.ts";
import { writePrivateFile } from "../../disk/private-file.ts";
import { ConflictError, InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { OpenedVault } from "../../vault/open/open.ts";
import type { Warn } from "../config/local-config.ts";
import { requireName } from "../config/paths.ts";
import { vaultArgs } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import { encodeDotenv } from "./dotenv-writer.ts";
import { headerOf, noteBase } from "./file-base.ts";
import { type PlannedFile, type PullTarget, planPull } from "./pull-plan.ts";

const SHOWN_NAMES = 5;

export interface PullPlaces {
  readonly to?: string | undefined;
  readonly "files-dir": string;
}

export interface PullInput extends PullPlaces {
  /** `--repo`, for the commands in hints. */
  readonly repo?: string | undefined;
  /** Overwrite files that differ. */
  readonly force: boolean;
}

/** Where a pull writes. */
export function pullTarget({ manifest }: OpenedVault, { to, "files-dir": filesDir }: PullPlaces): PullTarget {
  const { env } = manifest;
  return { env, to: to ?? defaultFile(env), filesDir, header: headerOf(manifest) };
}

/**
 * Writes the vault's secrets as a dotenv file and its files below a folder, all with mode 0600. It checks everything before the
 * first write.
 *
 * @throws ConflictError a file here differs from the vault
 * @throws InputError a file cannot be written
 */
export async function pullFiles(vault: OpenedVault, input: PullInput, warn: Warn): Promise<readonly PlannedFile[]> {
  const files = await planFiles(vault.bundle.items, pullTarget(vault, input));
  const different = files.filter(({ state }) => state === "different");
  if (different.length > 0 && !input.force) throw wouldOverwrite(different, vault.manifest.env, input);
  await writeFiles(files, vault.manifest, warn);
  return files;
}

export function planFiles(items: readonly NamedData[], target: PullTarget): Promise<readonly PlannedFile[]> {
  return naming("read the files here", () => planPull(items, target));
}

/** Leaves the dotenv file at the manifest's generation, also where it stays as it is. */
export async function writeFiles(files: readonly PlannedFile[], manifest: Manifest, warn: Warn): Promise<void> {
  for (const file of files) await naming(`write ${file.path}`, () => write(file));
  const [dotenv] = files;
  if (dotenv !== undefined) await noteBase(dotenv, manifest, warn);
}

/** A config's env is a good file name; a token's may be anything. */
function defaultFile(env: string): string {
  return `.env.${requireName("env", env, "name the file with --to=<file>")}`;
}

/** A file whose values are equal is left alone, so its comments survive, unless others can read it. */
async function write({ state, isExposed, path, root, name, bytes }: PlannedFile): Promise<void> {
  if (state === "same" && !isExposed) return;
  if (root !== null) return writeFileBelow(root, name, bytes);
  await makeFolder(dirname(path));
  await writePrivateFile(path, bytes);
}

function wouldOverwrite(different: readonly PlannedFile[], env: string, { repo, to }: PullInput): ConflictError {
  const list = different.map(({ path, differs }) => `${path}${shownNames(differs)}`).join(", ");
  const what = different.length === 1 ? "differs" : "differ";
  const args = vaultArgs({ env, repo: repo ?? "", isRepoTyped: repo !== undefined });
  return new ConflictError(`${list} ${what} from what ${env} holds; nothing was written`, {
    hint: `vsync pull ${args}${to === undefined ? "" : ` --to=${to}`} --merge keeps both sides; --force overwrites yours`,
  });
}

function shownNames(differs: readonly string[]): string {
  const names = differs.filter((name) => name !== "");
  if (names.length === 0) return "";
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  return ` (${names.slice(0, SHOWN_NAMES).join(", ")}${more})`;
}

async function naming<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new InputError(`cannot ${what}: ${codeOf(error)}`, {
      hint: "check the folder's owner, mode and free space, or name another with --to=<file> and --files-dir=<folder>",
    });
  }
}

const WHAT_BECAME = { absent: "added", different: "changed", same: "unchanged" } as const;

export function renderPull(
  files: readonly PlannedFile[],
  { manifest }: OpenedVault,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  if (flags.json) {
    const listed = files.map(({ path, state }) => ({ path, state: WHAT_BECAME[state] }));
    output.json({ env: manifest.env, gen: manifest.gen, files: listed });
  }
  const written = files.filter(({ state }) => state !== "same");
  const vault = `${manifest.env} (gen=${manifest.gen})`;
  if (written.length === 0) return output.done(`Nothing to pull: the files here match ${vault}`);
  for (const { path, state } of written) output.say(`  ${state === "absent" ? "+" : "~"} ${path}`);
  output.done(`Pulled ${vault}: ${written.length} of ${files.length} ${files.length === 1 ? "file" : "files"} written`);
}

/** Prints the secrets as a dotenv file. The vault's files cannot be part of it. */
export function printDotenv({ manifest, bundle }: OpenedVault, output: Output): void {
  const secrets = bundle.items.filter((item) => item.kind === "secret");
  output.raw(encodeDotenv(secrets, manifest.env));
  output.done(`Printed ${manifest.env} (gen=${manifest.gen})`);
  const left = bundle.items.length - secrets.length;
  if (left > 0)
    output.warn(`${left === 1 ? "1 file is" : `${left} files are`} not included: vsync get --raw prints one`);
}
