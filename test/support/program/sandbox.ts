import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { type LocalConfig, writeDocument } from "../../../src/cli/config/config-document.ts";
import { startTerminal, type TerminalSession } from "./terminal.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** A program that takes longer hangs. */
const TIMEOUT_MS = 180_000;

export interface Transcript {
  readonly stdout: string;
  readonly stderr: string;
  /** Null if a signal ended the program. */
  readonly exitCode: number | null;
}

export interface RunOptions {
  /** Without it, stdin is `/dev/null`. */
  readonly stdin?: string | Uint8Array;
  /** Added to the sandbox's own variables; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Relative to the sandbox's working directory. */
  readonly cwd?: string;
}

/** The disk by path: mode and digest, or the target of a link. */
export type Snapshot = Readonly<Record<string, string>>;

/**
 * The program under test: `VSYNC_TEST_BIN` (the single binary; Node.js runs a `.js` file), else `bin/run.js`.
 */
export function programUnderTest(): readonly string[] {
  const path = resolve(ROOT, process.env["VSYNC_TEST_BIN"] ?? join("bin", "run.js"));
  if (!path.endsWith(".js")) return [path];
  if (path.endsWith("run.js") && !existsSync(join(ROOT, "dist"))) throw new Error("dist/ is missing: npm run build");
  return [process.execPath, path];
}

/** The machine's cache folder has bin/run.js compiled, as in a home that is in use: each start is a fifth shorter. */
export function cacheOf([command]: readonly string[]): Readonly<Record<string, string>> {
  if (command !== process.execPath) return {};
  const folder = join(ROOT, ".cache", "programs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { XDG_CACHE_HOME: folder };
}

/** A throw-away machine: its own home, temporary and working directory, and an environment of its own. */
export class Sandbox implements AsyncDisposable {
  readonly #program: readonly string[];
  readonly folder: string;
  readonly home: string;
  readonly work: string;
  readonly #tmp: string;

  constructor(folder: string, program: readonly string[]) {
    this.#program = program;
    this.folder = folder;
    this.home = join(folder, "home");
    this.work = join(folder, "work");
    this.#tmp = join(folder, "tmp");
  }

  /** `${XDG_CONFIG_HOME}/vsync` */
  get configFolder(): string {
    return join(this.home, ".config", "vsync");
  }

  /** Starts the program, for a test to kill. The test has to read its output. */
  start(args: readonly string[], options: RunOptions = {}): ChildProcess {
    const [command = "", ...first] = this.#program;
    const child = spawn(command, [...first, ...args], {
      cwd: join(this.work, options.cwd ?? ""),
      env: this.#env(options),
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
      // In its own session, it finds no /dev/tty to ask on, even if somebody runs the tests in a terminal.
      detached: true,
    });
    child.stdin?.on("error", () => undefined).end(options.stdin);
    return child;
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Transcript> {
    const child = this.start(args, options);
    const [stdout, stderr, exitCode] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      new Promise<number | null>((settle, reject) => child.once("error", reject).once("close", settle)),
    ]);
    return { stdout, stderr, exitCode };
  }

  /** Like `run`, with stdin and stderr on a terminal of 80 columns; stdout goes to a file unless `showStdout`. */
  async terminal(
    args: readonly string[],
    options: Omit<RunOptions, "stdin"> & { readonly showStdout?: boolean } = {},
  ): Promise<TerminalSession> {
    const cwd = join(this.work, options.cwd ?? "");
    const env = { ...this.#env(options), TERM: options.env?.["TERM"] ?? "xterm" };
    const notes = await mkdtemp(join(this.folder, "terminal-"));
    return startTerminal([...this.#program, ...args], { cwd, env, notes, showStdout: options.showStdout ?? false });
  }

  /** Writes a file below the sandbox's folder (`work/.env.prod`, `home/…`). */
  async write(path: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
    const absolute = join(this.folder, path);
    await mkdir(dirname(absolute), { recursive: true, mode: 0o700 });
    await writeFile(absolute, content);
    await chmod(absolute, mode);
    return absolute;
  }

  /** Gives the machine a config, by default bound to the working directory. */
  async giveConfig(config: LocalConfig): Promise<void> {
    const path = `home/.config/vsync/${config.repo.replace("/", "%2F")}/${config.env}.json`;
    await this.write(path, writeDocument({ roots: [{ folder: this.work }], ...config }));
  }

  /** A snapshot of home and working directory; two equal ones show that nothing was written in between. */
  async snapshot(): Promise<Snapshot> {
    const entries = await Promise.all([this.home, this.work].map((folder) => entriesBelow(folder, this.folder)));
    return Object.fromEntries(entries.flat());
  }

  /** A transcript with the sandbox's paths and other random parts replaced by names: `<home>`, `<work>`. */
  tidy(transcript: Transcript, placeholders: Readonly<Record<string, RegExp>> = {}): Transcript {
    const tidied = (text: string): string => {
      const named = text
        .replaceAll(this.home, "<home>")
        .replaceAll(this.work, "<work>")
        .replaceAll(this.folder, "<top>");
      return Object.entries(placeholders).reduce((all, [name, pattern]) => all.replaceAll(pattern, name), named);
    };
    return { ...transcript, stdout: tidied(transcript.stdout), stderr: tidied(transcript.stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  #env({ env = {} }: RunOptions): NodeJS.ProcessEnv {
    const own = {
      HOME: this.home,
      LANG: "C.UTF-8",
      // Node.js comes first, for programs that `env node` starts.
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      TMPDIR: this.#tmp,
      ...cacheOf(this.#program),
      XDG_CONFIG_HOME: join(this.home, ".config"),
      XDG_DATA_HOME: join(this.home, ".local", "share"),
    };
    return Object.fromEntries(Object.entries({ ...own, ...env }).filter(([, value]) => value !== undefined));
  }
}

/** @param program default: `programUnderTest()` */
export async function openSandbox(program: readonly string[] = programUnderTest()): Promise<Sandbox> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), "vsync-test-"));
  for (const name of ["home", "work", "tmp"]) await mkdir(join(folder, name), { mode: 0o700 });
  return new Sandbox(folder, program);
}

async function textOf(stream: AsyncIterable<Buffer> | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function entriesBelow(folder: string, top: string): Promise<[string, string][]> {
  const paths = (await readdir(folder, { recursive: true })).toSorted().map((name) => join(folder, name));
  return Promise.all(paths.map(async (path) => [relative(top, path), await describe(path)] as [string, string]));
}

async function describe(path: string): Promise<string> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return `link to ${await readlink(path)}`;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  if (!stats.isFile()) return stats.isDirectory() ? `${mode} folder` : `${mode} special file`;
  return `${mode} ${createHash("sha256")
    .update(await readFile(path))
    .digest("hex")}`;
}
