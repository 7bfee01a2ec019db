import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { readDocument, writeDocument } from "../../../src/cli/config/config-document.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { createDirectoryRoot } from "../../../src/directory/folders.ts";
import { recipientOf } from "../../../src/vault/unlock/passphrase-holder.ts";
import { COST } from "../world.ts";
import { localPlace } from "./machine.ts";
import { openSandbox, type Sandbox, type Transcript } from "./sandbox.ts";

export const PASSPHRASE = "correct horse battery staple";
const PACKAGE = JSON.stringify({ name: "api" });

/** A machine with a repository `api` and a vault for `prod` in a directory, nothing pushed yet. */
export class VaultHome implements AsyncDisposable {
  readonly sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  /** The folder of the vault's objects. */
  get vaultFolder(): string {
    return `${this.sandbox.home}/.local/share/vsync/vaults/api/prod`;
  }

  get env(): Record<string, string> {
    return { VSYNC_PASSPHRASE: PASSPHRASE };
  }

  run(args: readonly string[], options: Parameters<Sandbox["run"]>[1] = {}): Promise<Transcript> {
    return this.sandbox.run(args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Runs a command that must succeed. */
  async must(...args: string[]): Promise<Transcript> {
    const transcript = await this.run(args);
    if (transcript.exitCode !== 0) throw new Error(`vsync ${args.join(" ")}: ${transcript.stderr}`);
    return transcript;
  }

  /** Replaces the whole set. */
  push(values: Readonly<Record<string, string>>): Promise<Transcript> {
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    return this.run(["push", "prod", "--from=-", "--yes"], { stdin: lines.join("\n") });
  }

  async token(): Promise<string> {
    return (await this.must("runtime-token", "--env=prod")).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]();
  }
}

/** Makes a vault that `vsync init` has set up, and that nobody has pushed to, cost the least. */
export async function cheapen(configPath: string): Promise<void> {
  const read = readDocument(JSON.parse(await readFile(configPath, "utf8")));
  if ("fault" in read) throw new Error(read.fault);
  const kdf = { ...COST, salt: read.config.kdf.salt };
  const recipient = await recipientOf(Secret.ofText(PASSPHRASE), kdf);
  await writeFile(configPath, writeDocument({ ...read.config, kdf, recipient }));
}

export async function openVaultHome(): Promise<VaultHome> {
  const sandbox = await openSandbox();
  await sandbox.write("work/package.json", PACKAGE);
  const location = localPlace(sandbox);
  await createDirectoryRoot(location);
  // As `vsync init` leaves it, but at the least cost: the default one takes each command a quarter of a second.
  const kdf = { ...COST, salt: randomBytes(16) };
  const recipient = await recipientOf(Secret.ofText(PASSPHRASE), kdf);
  const vault = randomBytes(16).toString("base64url");
  await sandbox.giveConfig({ ...location, repo: "api", env: "prod", vault, kdf, recipient, seenGen: 0 });
  return new VaultHome(sandbox);
}
