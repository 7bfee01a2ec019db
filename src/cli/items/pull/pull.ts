import { dirname } from "node:path";
import { writeFileBelow } from "../../../disk/files-below.ts";
import { makeFolder } from "../../../disk/folders.ts";
import { codeOf, hasErrno } from "../../../disk/posix.ts";
import { overwritePrivateFile, writePrivateFile } from "../../../disk/private-file.ts";
import { AccessDeniedError, ConflictError, InputError } from "../../../errors.ts";
import type { Manifest } from "../../../vault/format/manifest.ts";
import type { NamedData } from "../../../vault/items/changes.ts";
import type { OpenedVault } from "../../../vault/open/open.ts";
import { readsAll } from "../../../vault/open/open-bundle.ts";
import type { LocalConfig, Warn } from "../../config/local-config.ts";
import { requireName } from "../../config/paths.ts";
import { commandOn } from "../../config/target.ts";
import type { VaultAnywhere } from "../../session/open-anywhere.ts";
import { counted, firstOf, listed } from "../../terminal/consent.ts";
import type { Output } from "../../terminal/output.ts";
import { type WrittenDotenv, writeDotenv } from "../dotenv/dotenv-writer.ts";
import { forgetBase, headerOf, type Noting, noteBase } from "../file-base.ts";
import { isOlder, type Reach, readLocalSide } from "./local-side.ts";
import { oddFile, type PlannedFile, type PullTarget, planPull } from "./pull-plan.ts";

const SHOWN_NAMES = 5;
const SHOWN_MISREAD = 20;

export interface PullPlaces {
  readonly to?: string | undefined;
  readonly "files-dir": string;
}

export interface PullInput extends PullPlaces {
  /** Overwrite files that differ. */
  readonly force: boolean;
}

export type PulledVault = VaultAnywhere & {
  /** See `findOutdated`. */
  readonly outdated: readonly PlannedFile[];
};

/**
 * @throws InputError `--to=-`, which would create a file named -
 */
export function refuseDash({ to }: Pick<PullPlaces, "to">): void {
  if (to !== "-") return;
  throw new InputError("--to needs the name of a file, not -", {
    hint: "to print the secrets: vsync export --format=dotenv, or vsync pull --stdout",
  });
}

/** Where a pull writes. */
export function pullTarget({ manifest, bundle }: OpenedVault, { to, "files-dir": filesDir }: PullPlaces): PullTarget {
  const { env } = manifest;
  return {
    env,
    to: to ?? defaultFile(env),
    filesDir,
    header: readsAll(bundle) ? headerOf(manifest) : null,
    keepsOwn: true,
  };
}

/**
 * The files here that differ from the vault only because they are older: nobody has changed anything since they came
 * from it. Empty if somebody has, or if this reader cannot tell: a token opens no older generation, and an app's key
 * reads no audit rows.
 */
export async function findOutdated(
  vault: OpenedVault,
  places: PullPlaces,
  reach: Reach,
): Promise<readonly PlannedFile[]> {
  const target = pullTarget(vault, places);
  const files = await planFiles(vault.bundle.items, target);
  const different = files.filter(({ state }) => state === "different");
  if (target.header === null || different.length === 0) return [];
  try {
    return isOlder(await readLocalSide(files, vault, reach), vault) ? different : [];
  } catch (error) {
    // A file that is not dotenv was not written by a pull.
    if (error instanceof InputError || error instanceof AccessDeniedError) return [];
    throw error;
  }
}

/**
 * Writes the vault's secrets as a dotenv file and its files into a folder, all with mode 0600. It checks everything
 * before it writes anything.
 *
 * @throws ConflictError somebody changed a file here, and it differs from the vault
 * @throws InputError a file cannot be written
 */
export async function pullFiles(vault: PulledVault, input: PullInput, warn: Warn): Promise<readonly PlannedFile[]> {
  const { outdated, config } = vault;
  const files = await planFiles(vault.bundle.items, { ...pullTarget(vault, input), keepsOwn: outdated.length === 0 });
  // Read again, because somebody may have saved a file while the vault was asked.
  const changed = files.filter((file) => file.state === "different" && !outdated.some((it) => isAsBefore(file, it)));
  if (changed.length > 0 && !input.force) throw wouldOverwrite(changed, vault, input);
  await writeFiles(files, readsAll(vault.bundle) ? vault.manifest : null, { warn, isTransient: config?.isTransient });
  return files;
}

function isAsBefore(now: PlannedFile, before: PlannedFile): boolean {
  const isRead = now.local !== null && before.local !== null;
  return isRead && now.path === before.path && Buffer.compare(now.local, before.local) === 0;
}

export function planFiles(items: readonly NamedData[], target: PullTarget): Promise<readonly PlannedFile[]> {
  return naming("read the files here", () => planPull(items, target));
}

/**
 * Records the manifest's generation for the dotenv file, even if the file stays as it is.
 *
 * @param manifest null if the files hold only a part of the vault: with such a base, a push would remove the rest
 */
export async function writeFiles(
  files: readonly PlannedFile[],
  manifest: Manifest | null,
  noting: Noting,
): Promise<void> {
  const [dotenv, ...others] = files;
  if (dotenv === undefined) return;
  // The dotenv file comes last, because it says which generation all of them hold.
  for (const file of [...others, dotenv]) await naming(`write ${file.path}`, () => write(file, noting.warn));
  if (manifest !== null) return noteBase(dotenv, manifest, noting);
  const { path, state } = dotenv;
  if (state !== "same") await naming(`forget which generation ${path} held`, () => forgetBase(path));
}

/** A config's env is always a valid file name; a token's may be any text. */
function defaultFile(env: string): string {
  return `.env.${requireName("env", env, "name the file with --to=<file>")}`;
}

/** A file with equal values stays as it is, so its comments and quotes survive, unless others can read it. */
async function write({ state, isExposed, path, target, root, name, bytes }: PlannedFile, warn: Warn): Promise<void> {
  if (state === "same" && !isExposed) return;
  if (root !== null) return writeFileBelow(root, name, bytes);
  await makeFolder(dirname(target));
  try {
    await writePrivateFile(target, bytes);
  } catch (error) {
    // A bind-mounted file cannot be replaced, and its folder may be read-only.
    if (state === "absent" || !hasErrno(error, "EBUSY", "EROFS", "EACCES", "EPERM")) throw error;
    await overwritePrivateFile(target, bytes).catch(() => Promise.reject(error));
    warn(`${path} was overwritten in place, because it cannot be replaced: it may be a mount`);
  }
}

function wouldOverwrite(changed: readonly PlannedFile[], vault: PulledVault, input: PullInput): ConflictError {
  const { to, "files-dir": folder } = input;
  const list = changed.map(({ path, differs }) => `${path}${shownNames(differs)}`).join(", ");
  const what = changed.length === 1 ? "differs" : "differ";
  const places = `${to === undefined ? "" : ` --to=${to}`}${folder === "." ? "" : ` --files-dir=${folder}`}`;
  const pull = `${commandOn(vault.config, "pull")}${places}`;
  return new ConflictError(`${list} ${what} from what ${vault.manifest.env} holds; nothing was written`, {
    // To merge takes the passphrase, and a config.
    hint:
      vault.config === null
        ? `${pull} --force overwrites yours`
        : `${pull} --merge keeps both sides; --force overwrites yours`,
  });
}

function shownNames(differs: readonly string[]): string {
  const names = differs.filter((name) => name !== "");
  return names.length === 0 ? "" : ` (${firstOf(names, SHOWN_NAMES)})`;
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
  { manifest, bundle, config }: VaultAnywhere,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  if (flags.json) {
    const states = files.map(({ path, state }) => ({ path, state: WHAT_BECAME[state] }));
    output.json({ env: manifest.env, gen: manifest.gen, files: states });
  }
  const written = files.filter(({ state }) => state !== "same");
  const vault = `${manifest.env} (gen=${manifest.gen})`;
  warnOfDotenv(files, config, output);
  if (written.length === 0) return output.done(`Nothing to pull: the files here match ${vault}${partOf(bundle)}`);
  for (const { path, state } of written) output.say(`  ${state === "absent" ? "+" : "~"} ${path}`);
  const count = `${written.length} of ${counted(files.length, "file")} written`;
  output.done(`Pulled ${vault}: ${count}${partOf(bundle)}`);
}

function partOf(bundle: OpenedVault["bundle"]): string {
  return readsAll(bundle) ? "" : `; ${counted(bundle.items.length, "name")}, only what this token reads`;
}

/** Warns of differences between the dotenv file and the vault, and of values that other programs would misread. */
export function warnOfDotenv([file]: readonly PlannedFile[], config: LocalConfig | null, output: Output): void {
  if (file === undefined || file.dotenv === null) return;
  const { kept, left } = file.dotenv;
  if (kept.length > 0)
    output.warn(`only in ${file.path}, not in the vault: ${listed(kept)}; a push would add what is left there`);
  for (const { name } of left) {
    const path = oddFile(file.path, name);
    // A token cannot write.
    const store =
      config === null ? "" : `; to store it from there: ${commandOn(config, "set")} ${name} --from-file=${path} --raw`;
    output.warn(`${name} is in ${path}, because no quoting keeps it in a dotenv file${store}`);
  }
  if (file.state !== "same") warnOfReaders(file.dotenv, file.path, output);
}

/** Names the values that a program may read differently from vsync, and the programs. */
function warnOfReaders({ misread }: WrittenDotenv, to: string, output: Output): void {
  if (misread.length === 0) return;
  const shown = misread.map(({ name, readers }) => `${name} (${readers.join(", ")})`);
  output.warn(
    `not every program reads these in ${to} as they are: ${firstOf(shown, SHOWN_MISREAD, "; ")}; \`vsync run\` passes them on unchanged`,
  );
}

/** Prints the secrets as a dotenv file, which cannot include the vault's files. */
export function printDotenv({ manifest, bundle, config }: VaultAnywhere, output: Output): void {
  const secrets = bundle.items.filter((item) => item.kind === "secret");
  const { bytes, left: odd } = writeDotenv(secrets);
  output.raw(bytes);
  output.done(`Printed ${manifest.env} (gen=${manifest.gen})${partOf(bundle)}`);
  if (odd.length > 0) {
    const names = odd.map(({ name }) => name);
    output.warn(
      `not included, because no quoting keeps it in a dotenv file: ${names.join(", ")}; ${commandOn(config, "get")} ${names[0]} --raw prints it`,
    );
  }
  const left = bundle.items.length - secrets.length;
  if (left > 0) output.warn(`${counted(left, "file is", "files are")} not included: vsync get --raw prints one`);
}
