import { createHash } from "node:crypto";
import { readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "../../disk/folders.ts";
import { open } from "../../disk/open.ts";
import { codeOf, hasModes } from "../../disk/posix.ts";
import { READ_PLAIN_FILE, writePrivateFile } from "../../disk/private-file.ts";
import { VsyncError } from "../../errors.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { FileBase } from "../../vault/items/file-base.ts";
import type { LocalConfig, Warn } from "../config/local-config.ts";
import { xdgFolder } from "../config/paths.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { endsLinesInCrlf } from "./dotenv/dotenv-writer.ts";

/**
 * The base of a dotenv file is the generation that its content came from. `pull` writes it as the first line, and a
 * push updates that line. Other programs drop comments, and some files cannot be replaced, so both also leave a note in
 * the state folder. The note counts as long as the file's first line is unchanged or missing: see docs/decisions/0081.
 */

/** `# vsync: acme/api prod gen 5 <vault id> <digest>` */
const HEADER = /^# vsync: (\S+ \S+) gen ([1-9]\d{0,15}) ([A-Za-z0-9_-]{22}) ([0-9a-f]{64})$/;

/** The line that `pull` writes, without its end. */
export function headerOf({ repo, env, gen, vault, bundle }: Manifest): string {
  const name = [repo, env].map((word) => word.replaceAll(/[\s\p{C}]/gu, "_") || "_").join(" ");
  return `# vsync: ${name} gen ${gen} ${vault} ${bundle.sha256}`;
}

interface Located {
  readonly line: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The lines that `pull` wrote, at the top of the file or below comments. There are two if somebody kept both sides of a
 * merge.
 */
function locateHeaders(bytes: Uint8Array): readonly Located[] {
  const found: Located[] = [];
  for (let from = 0; from < Math.min(bytes.length, HEAD_BYTES); ) {
    const end = bytes.indexOf(0x0a, from);
    const to = end === -1 ? bytes.length : end + 1;
    const line = Buffer.from(bytes.subarray(from, Math.min(to, from + HEAD_BYTES))).toString("utf8");
    const text = line.replace(/^\ufeff/, "").trimEnd();
    if (HEADER.test(text)) found.push({ line: text, from, to });
    else if (!/^\s*(?:#|$)/.test(text)) break;
    from = to;
  }
  return found;
}

/** People write their own comments above it. */
const HEAD_BYTES = 16 * 1024;

/** The oldest one, so a push cannot undo newer work unnoticed. */
function findHeader(bytes: Uint8Array): string | null {
  const lines = locateHeaders(bytes).map(({ line }) => line);
  const [oldest = null] = lines.toSorted((a, b) => (parseHeader(a)?.gen ?? 0) - (parseHeader(b)?.gen ?? 0));
  return oldest;
}

function parseHeader(header: string): FileBase | null {
  const [, name = "", gen = "", vault = "", digest = ""] = HEADER.exec(header) ?? [];
  return digest === "" ? null : { gen: Number(gen), origin: { vault, digest, name } };
}

/** The dotenv file with this header instead of its own, or without one if null. A new header comes first. */
export function withHeader(bytes: Uint8Array, header: string | null): Uint8Array {
  const [first = { from: 0, to: 0 }, ...more] = locateHeaders(bytes);
  const line = Buffer.from(header === null ? "" : `${header}${endsLinesInCrlf(bytes) ? "\r" : ""}\n`);
  const parts: Uint8Array[] = [bytes.subarray(0, first.from), line];
  let at = first.to;
  for (const { from, to } of more) {
    parts.push(bytes.subarray(at, from));
    at = to;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

/** A dotenv file as it was read. */
export interface ReadFile {
  /** Null for stdin, which a later command cannot refer to. */
  readonly path: string | null;
  readonly bytes: Uint8Array;
}

/** What the state folder remembers of a file. */
interface Note {
  readonly path: string;
  /** The header that the file had, or null. */
  readonly header: string | null;
  /** The header that it should have now. */
  readonly base: string;
}

/**
 * The base of a file: from the note that matches its header, else from the header itself. Null if it has neither, or if
 * a file without a header was last used with another vault.
 */
export async function findBase({ path, bytes }: ReadFile, vault: string): Promise<FileBase | null> {
  const header = findHeader(bytes);
  const note = path === null ? null : await readNote(path);
  const noted = note === null ? null : parseHeader(note.base);
  if (header === null) return noted?.origin?.vault === vault ? noted : null;
  return note?.header === header ? noted : parseHeader(header);
}

export interface Noting {
  readonly warn: Warn;
  /** Set if only the project file names the vault, as in CI: then this machine stores nothing about it. */
  readonly isTransient?: boolean | undefined;
}

export function notingOf({ isTransient }: LocalConfig, { output }: Pick<SecretSources, "output">): Noting {
  return { warn: output.warn, isTransient };
}

/**
 * Records that a file holds the content of this generation, in a note, and in its first line if `pull` wrote one. A
 * failure is only a warning, because the command has done its work.
 */
export async function noteBase({ path, bytes }: ReadFile, manifest: Manifest, noting: Noting): Promise<void> {
  if (path === null) return;
  try {
    const real = await realpath(path);
    const base = headerOf(manifest);
    const header = findHeader(bytes);
    const isMoved = header !== null && header !== base && (await replaceHeader(real, bytes, base).catch(() => false));
    if (noting.isTransient) return;
    const place = notePath(real);
    await makeFolder(dirname(place));
    const note: Note = { path: real, header: isMoved ? base : header, base };
    await writePrivateFile(place, `${JSON.stringify(note)}\n`);
  } catch (error) {
    const why = error instanceof VsyncError ? error.message : codeOf(error);
    noting.warn(
      `the generation of ${path} is not remembered on this machine (${why}): the next push asks about every change, unless XDG_STATE_HOME names a folder to write in`,
    );
  }
}

/**
 * Updates the first line, so an older copy of the file, restored by `git stash` or an editor, does not pass for
 * this one. Returns false if it is better not to: somebody has just changed the file, or replacing it would change its
 * owner, mode or links.
 */
async function replaceHeader(real: string, bytes: Uint8Array, header: string): Promise<boolean> {
  const { uid, mode, nlink } = await stat(real);
  if (hasModes() && (uid !== process.geteuid?.() || (mode & 0o777) !== 0o600 || nlink !== 1)) return false;
  if (Buffer.compare(await readFile(real), bytes) !== 0) return false;
  await writePrivateFile(real, withHeader(bytes, header));
  return true;
}

/** Otherwise a note from an earlier pull would count for a file without a header. */
export async function forgetBase(path: string): Promise<void> {
  await rm(notePath(await realpath(path)), { force: true });
}

function notePath(real: string): string {
  const name = createHash("sha256").update(real).digest("hex");
  return join(xdgFolder("XDG_STATE_HOME", [".local", "state"]), "vsync", "bases", `${name}.json`);
}

const MAX_NOTE_BYTES = 16 * 1024;

/** Null also for a note that cannot be read or that vsync did not write: then the file's header counts. */
async function readNote(path: string): Promise<Note | null> {
  try {
    const real = await realpath(path);
    await using handle = await open(notePath(real), READ_PLAIN_FILE);
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > MAX_NOTE_BYTES) return null;
    const note = JSON.parse(await handle.readFile("utf8"));
    return isNote(note) && note.path === real ? note : null;
  } catch {
    return null;
  }
}

function isNote(value: unknown): value is Note {
  if (typeof value !== "object" || value === null) return false;
  const { path, header, base } = value as Partial<Record<keyof Note, unknown>>;
  return typeof path === "string" && (header === null || typeof header === "string") && typeof base === "string";
}
