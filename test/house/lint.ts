import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const COPIED = [".oxlintrc.json", "package.json", "scripts/lint", "tsconfig.json"];

export interface Complaint {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  /** The rule as the linter prints it: `house(layers)`. */
  readonly rule: string;
}

interface Report {
  readonly diagnostics: readonly {
    /** Missing if the file could not be parsed. */
    readonly code?: string;
    readonly message: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

/** Lints `files` (text by path) in a separate folder, with this repository's configuration. */
export async function lint(files: ReadonlyMap<string, string>): Promise<readonly Complaint[]> {
  const folder = await mkdtemp(join(tmpdir(), "vsync-house-"));
  try {
    for (const path of COPIED) await cp(join(root, path), join(folder, path), { recursive: true });
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [path, text] of files) await place(join(folder, path), text);
    return complaintsOf(await run(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function place(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function run(folder: string): Promise<Report> {
  const args = [join(root, "node_modules/oxlint/bin/oxlint"), "--type-aware", "--format=json"];
  const ended = promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 });
  // The linter exits with 1 if it has complaints, and prints them on stdout.
  const { stdout } = await ended.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Report;
}

function complaintsOf(report: Report): readonly Complaint[] {
  return report.diagnostics.map(({ code, message, filename, labels }) => {
    if (code === undefined) throw new Error(`${filename}: ${message}`);
    return { path: filename, line: labels[0]?.span.line ?? 1, rule: code };
  });
}
