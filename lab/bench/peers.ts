import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { debianProgram } from "../../test/support/debian.ts";
import { dotenv } from "./home.ts";
import type { Program } from "./launcher.ts";

const run = promisify(execFile);
const SECRETS = 50;
const PASSPHRASE = "correct horse battery staple";
const OTHER = "another horse battery staple";

/** Another tool, set up for one comparison. */
export interface PeerSetup {
  readonly version: string;
  /** Its work, for the table. */
  readonly does: string;
  readonly program: (round: number) => Program;
}

export interface PeerPlan {
  readonly name: string;
  readonly compares: "read" | "change";
  /** @throws Error the tool is not available here, or its set-up fails */
  readonly setUp: (scratch: string) => Promise<PeerSetup>;
}

export const PEERS: readonly PeerPlan[] = [
  { name: "dotenvx", compares: "read", setUp: dotenvx },
  { name: "varlock", compares: "read", setUp: varlock },
  { name: "senv", compares: "read", setUp: senv },
  { name: "age", compares: "read", setUp: age },
  { name: "typage", compares: "read", setUp: typage },
  { name: "restic", compares: "read", setUp: resticDump },
  { name: "restic", compares: "change", setUp: resticKey },
];

/** A separate folder with 50 secrets in `.env`, and a nearly empty environment. */
async function place(scratch: string): Promise<{ cwd: string; env: Record<string, string> }> {
  const cwd = await mkdtemp(join(scratch, "peer-"));
  await writeFile(join(cwd, ".env"), dotenv(SECRETS), { mode: 0o600 });
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  return { cwd, env: { HOME: cwd, TMPDIR: cwd, LANG: "C.UTF-8", PATH: path } };
}

let fetching: Promise<string> | undefined;

async function npmPeer(name: string): Promise<{ packages: string; version: string }> {
  // One attempt for all of them, even if it fails.
  fetching ??= fetchPackages(join(import.meta.dirname, "peers"));
  const packages = join(await fetching, "node_modules");
  const manifest = await readFile(join(packages, name, "package.json"), "utf8");
  return { packages, version: (JSON.parse(manifest) as { version: string }).version };
}

async function dotenvx(scratch: string): Promise<PeerSetup> {
  const { packages, version } = await npmPeer("@dotenvx/dotenvx");
  const { cwd, env } = await place(scratch);
  const cli = [process.execPath, join(packages, "@dotenvx/dotenvx/src/cli/dotenvx.js")];
  await run(cli[0] ?? "", [...cli.slice(1), "encrypt"], { cwd, env });
  const does = "decrypts 50 values of one file with a private key beside it, runs `true`; no KDF";
  return { version, does, program: () => ({ argv: [...cli, "run", "--", "/bin/true"], cwd, env }) };
}

async function varlock(scratch: string): Promise<PeerSetup> {
  const { packages, version } = await npmPeer("varlock");
  const { cwd, env } = await place(scratch);
  const argv = [process.execPath, join(packages, "varlock/bin/cli.js"), "run", "--", "/bin/true"];
  return {
    version,
    does: "reads and checks 50 plain values, runs `true`; nothing is encrypted",
    program: () => ({ argv, cwd, env }),
  };
}

async function senv(scratch: string): Promise<PeerSetup> {
  const { packages, version } = await npmPeer("senv");
  const { cwd, env } = await place(scratch);
  const cli = [process.execPath, join(packages, "senv/bin/senv")];
  await run(cli[0] ?? "", [...cli.slice(1), "encrypt", ".env", "-o", "it", "-p", PASSPHRASE], { cwd, env });
  const argv = [...cli, "decrypt", "it", "-p", PASSPHRASE];
  return {
    version,
    does: "decrypts a file of 50 lines with a passphrase in argv; PBKDF2",
    program: () => ({ argv, cwd, env }),
  };
}

async function age(scratch: string): Promise<PeerSetup> {
  const program = await debianProgram("age");
  const { cwd, env } = await place(scratch);
  const version = execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
  await run(`${program}-keygen`, ["-o", "key"], { cwd, env });
  const { stdout } = await run(`${program}-keygen`, ["-y", "key"], { cwd, env });
  await run(program, ["-r", stdout.trim(), "-o", "it", ".env"], { cwd, env });
  const argv = [program, "-d", "-i", "key", "it"];
  return {
    version,
    does: "decrypts a file of 50 lines with a private key beside it; no KDF",
    program: () => ({ argv, cwd, env }),
  };
}

async function typage(scratch: string): Promise<PeerSetup> {
  const { packages, version } = await npmPeer("age-encryption");
  const { cwd, env: base } = await place(scratch);
  const env = { ...base, PASSPHRASE };
  const argv = [process.execPath, join(import.meta.dirname, "typage-process.mjs"), packages];
  const encrypt = [...argv.slice(1), ".env", "encrypt"];
  const { stdout } = await run(process.execPath, encrypt, { cwd, env, encoding: "buffer" });
  await writeFile(join(cwd, "it"), stdout);
  const does = "decrypts a file of 50 lines with a passphrase; scrypt 2^18 in JavaScript";
  return { version, does, program: () => ({ argv: [...argv, "it"], cwd, env }) };
}

interface Restic extends Omit<PeerSetup, "does" | "program"> {
  readonly program: string;
  readonly cwd: string;
  readonly env: Record<string, string>;
}

async function restic(scratch: string): Promise<Restic> {
  const program = await debianProgram("restic");
  const { cwd, env: base } = await place(scratch);
  await mkdir(join(cwd, "repository"));
  for (const [name, text] of [
    ["old", PASSPHRASE],
    ["new", OTHER],
  ] as const)
    await writeFile(join(cwd, name), text);
  const env = { ...base, RESTIC_REPOSITORY: join(cwd, "repository"), RESTIC_PASSWORD_FILE: join(cwd, "old") };
  await run(program, ["init"], { cwd, env });
  await run(program, ["backup", ".env"], { cwd, env });
  const version = execFileSync(program, ["version"], { encoding: "utf8" }).split(" ")[1] ?? "";
  return { version, program, cwd, env };
}

async function resticDump(scratch: string): Promise<PeerSetup> {
  const { version, program, cwd, env } = await restic(scratch);
  const argv = [program, "dump", "latest", "/.env"];
  return {
    version,
    does: "reads a file of 50 lines out of a repository in a directory; scrypt",
    program: () => ({ argv, cwd, env }),
  };
}

async function resticKey(scratch: string): Promise<PeerSetup> {
  const { version, program, cwd, env } = await restic(scratch);
  const does =
    "`key passwd`: replaces the password of a repository in a directory; the data stay as they are; scrypt twice";
  return {
    version,
    does,
    program: (round) => {
      const [old, next] = round % 2 === 0 ? ["old", "new"] : ["new", "old"];
      const argv = [program, "key", "passwd", `--new-password-file=${next}`];
      return { argv, cwd, env: { ...env, RESTIC_PASSWORD_FILE: join(cwd, old ?? "") } };
    },
  };
}
