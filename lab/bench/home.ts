import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Program } from "./launcher.ts";
import type { Place } from "./s3-server.ts";

export const PASSPHRASE = "correct horse battery staple";
/** The lowest cost that the format allows. */
export const LEAST_COST = { iterations: 1, memoryKiB: 8192, parallelism: 1 } as const;
const ROOT = join(import.meta.dirname, "../..");
export const RUN_JS = [process.execPath, join(ROOT, "bin/run.js")];

/** A machine with only vsync's config: its own home and working directory, as the CLI sees them. */
export class Home implements AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(folder: string) {
    this.folder = folder;
    this.env = {
      HOME: folder,
      LANG: "C.UTF-8",
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      TMPDIR: folder,
      VSYNC_PASSPHRASE: PASSPHRASE,
    };
  }

  /** @param place default: a vault in a directory of this home */
  static async make(scratch: string, place?: Place): Promise<Home> {
    const home = new Home(await mkdtemp(join(scratch, "home-")));
    await mkdir(home.work);
    // bin/run.js keeps its compiled code there, as on most machines.
    await mkdir(join(home.folder, ".cache"));
    await home.write("package.json", '{"name":"api"}');
    await home.cli(["init", "--env=prod", ...(place === undefined ? ["--local"] : placeFlags(place, home.folder))]);
    return home;
  }

  get work(): string {
    return join(this.folder, "work");
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(join(this.work, name), content, { mode: 0o600 });
  }

  /** Runs a command without measuring it. @throws Error it exited with another code than 0 */
  async cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { argv, cwd, ...program } = this.program(RUN_JS, args, env);
    const [command = "", ...rest] = argv;
    return (await promisify(execFile)(command, rest, { cwd, env: program.env })).stdout;
  }

  /** @param vsync the way to start the program */
  program(vsync: readonly string[], args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return { argv: [...vsync, ...args], env: { ...this.env, ...env }, cwd: this.work };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A prefix of its own lets many homes share the bucket. */
function placeFlags({ endpoint, region, bucket, accessKeyId, secretAccessKey }: Place, folder: string): string[] {
  return [
    `--endpoint=${endpoint}`,
    `--region=${region}`,
    `--bucket=${bucket}`,
    `--prefix=${folder.split("/").at(-1)}/`,
    `--access-key=${accessKeyId}`,
    `--secret-key=${secretAccessKey}`,
  ];
}

/** A dotenv file with this many secrets of 40 characters; another `edition` has other values under the same names. */
export function dotenv(secrets: number, edition = 0): string {
  const lines = Array.from({ length: secrets }, (_, at) => {
    const name = `SECRET_${String(at).padStart(5, "0")}`;
    return `${name}=${`${edition}-${at}-`.padEnd(40, "abcdefghijklmnopqrstuvwxyz")}`;
  });
  return `${lines.join("\n")}\n`;
}
