import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { createDirectoryRoot } from "../../../src/directory/folders.ts";
import { fileEndpoint } from "../../../src/directory/location.ts";
import { VsyncError } from "../../../src/errors.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import type { StoreLocation } from "../../../src/stores/location.ts";
import { openStore, systemClock, systemRandom } from "../../../src/stores/open-store.ts";
import { verifyAudit } from "../../../src/vault/audit/chain.ts";
import type { CommitPorts } from "../../../src/vault/commit/commit.ts";
import type { Manifest } from "../../../src/vault/format/manifest.ts";
import { openVault } from "../../../src/vault/open/open.ts";
import { fetchManifest } from "../../../src/vault/open/open-manifest.ts";
import { openRotation } from "../../../src/vault/rotate.ts";
import { hintOf } from "../../../src/vault/unlock/passphrase-holder.ts";
import { createBucket } from "../ceph/target.ts";
import { holding } from "../passphrases.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../strict-s3/server.ts";
import { createVault, type FixtureItem, PASSPHRASE } from "../vault-fixture.ts";
import { COST } from "../world.ts";
import { openSandbox, programUnderTest, type RunOptions, type Sandbox, type Transcript } from "./sandbox.ts";
import type { TerminalSession } from "./terminal.ts";

export const OLD = PASSPHRASE;
export const NEW = "a new passphrase of the operators";
const ITEMS: readonly FixtureItem[] = [{ name: "DATABASE_URL", data: "postgres://planted-secret-value" }];

/** `writes` or `reads`: the rights of a passphrase's slot; otherwise the error's class. */
export type Sight = string;

/** A machine whose config knows the vault `prod` of `api`, at generation 1, with the lowest cost allowed. */
export class Machine implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly location: StoreLocation;
  readonly store: ObjectStore;

  constructor(sandbox: Sandbox, location: StoreLocation, store: ObjectStore) {
    this.sandbox = sandbox;
    this.location = location;
    this.store = store;
  }

  get env(): Record<string, string> {
    return { VSYNC_REPO: "api", VSYNC_PASSPHRASE: OLD };
  }

  get ports(): CommitPorts {
    return { store: this.store, clock: systemClock, random: systemRandom };
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Transcript> {
    return this.sandbox.run(args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts the program, so that the test can kill it. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [command = "", ...first] = programUnderTest();
    const { home, work } = this.sandbox;
    return spawn(command, [...first, ...args], {
      cwd: work,
      env: { HOME: home, PATH: process.env["PATH"], ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  terminal(args: readonly string[], env: RunOptions["env"] = {}): Promise<TerminalSession> {
    return this.sandbox.terminal(args, { env: { ...this.env, ...env } });
  }

  /** Runs `rotate-passphrase`, unattended and by default to `NEW`. */
  rotate(args: readonly string[] = [], env: RunOptions["env"] = {}): Promise<Transcript> {
    return this.run(["rotate-passphrase", "--env=prod", "--yes", ...args], {
      env: { VSYNC_NEW_PASSPHRASE: NEW, ...env },
    });
  }

  /** A rotation by somebody else, in this process. */
  async rotateElsewhere(from: string, to: string, graceMs?: number): Promise<void> {
    using holder = holding(from);
    const annotation = { actor: { user: "eve", host: "elsewhere", tool: "vsync/test" } };
    using rotation = await openRotation(this.ports, { holder, expect: { env: "prod" }, annotation });
    const grace = graceMs === undefined ? {} : { graceMs };
    using proposal = await rotation.propose({ newPassphrase: Secret.ofText(to), cost: COST, ...grace });
    await proposal.commit();
  }

  async sight(passphrase: string): Promise<Sight> {
    try {
      const { unlocked } = await this.open(passphrase);
      return unlocked.until === null ? "writes" : "reads";
    } catch (error) {
      if (error instanceof VsyncError) return error.name;
      throw error;
    }
  }

  async open(passphrase: string) {
    using holder = holding(passphrase);
    return await openVault(this.ports, { holder, expect: { env: "prod" } });
  }

  /** The manifest in the store, unverified. */
  async manifest(): Promise<Manifest> {
    const fetched = await fetchManifest(this.store);
    if (fetched === null) throw new Error("the store has no manifest");
    return fetched.manifest;
  }

  /** The verified chain: the generations of its rows, oldest first, and the one whose row is outstanding. */
  async chain(passphrase: string): Promise<{ gens: readonly number[]; outstanding: number | null }> {
    const { manifest } = await this.open(passphrase);
    const { rows, outstanding } = await verifyAudit(this.store, manifest);
    return { gens: rows.map((row) => row.gen).toReversed(), outstanding };
  }

  /** Every object's key and version: two equal results show that nothing was written in between. */
  async objects(): Promise<Readonly<Record<string, string | null>>> {
    const found: Record<string, string | null> = {};
    for await (const key of this.store.list("")) found[key] = await this.store.head(key);
    return found;
  }

  /** Sets up another env with the same passphrase and cost, without a generation. */
  async giveEnv(env: string): Promise<void> {
    const { cost, recipient } = hintOf(await this.manifest());
    const place = { ...this.location, prefix: `api/${env}/`, repo: "api", env };
    const vault = randomBytes(16).toString("base64url");
    await this.sandbox.giveConfig({ ...place, vault, kdf: cost, recipient, seenGen: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]();
  }
}

/** Where `vsync init --local` puts the vault `prod` of `api`. */
export function localPlace({ home }: Sandbox) {
  const endpoint = fileEndpoint(`${home}/.local/share/vsync`);
  return { endpoint, region: "local", bucket: "vaults", prefix: "api/prod/", credentials: "ambient" } as const;
}

/** A machine over a directory. */
export async function machineOnDisk(items = ITEMS): Promise<Machine> {
  const sandbox = await openSandbox();
  const location = localPlace(sandbox);
  await createDirectoryRoot(location);
  return furnish(sandbox, location, items);
}

/** A machine over the strict S3 server, as its root user. */
export async function machineOn(server: StrictS3, endpoint = server.endpoint): Promise<Machine> {
  const { accessKeyId, secretAccessKey } = ROOT;
  const credentials = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  const location = { endpoint, region: server.region, bucket: "strict", prefix: "api/prod/", credentials };
  return furnish(await openSandbox(), location);
}

/** A machine over the suite's real S3 server, below a prefix of its own; null without such a server. */
export async function machineOnRealS3(endpoint?: string): Promise<Machine | null> {
  const target = inject("s3");
  if (target === null) return null;
  const bucket = await createBucket(target, `vsync-rotation-${randomBytes(4).toString("hex")}`);
  const { accessKeyId, secretAccessKey, region } = target;
  const credentials = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  const prefix = `${randomBytes(4).toString("hex")}/api/prod/`;
  return furnish(await openSandbox(), { endpoint: endpoint ?? target.endpoint, region, bucket, prefix, credentials });
}

export { type StrictS3, startStrictS3 };

async function furnish(sandbox: Sandbox, location: StoreLocation, items = ITEMS): Promise<Machine> {
  const store = await openStore(location);
  const { vault } = await createVault(store, { items });
  const fetched = await fetchManifest(store);
  if (fetched === null) throw new Error("the vault was not made");
  const { cost, recipient } = hintOf(fetched.manifest);
  const config = { ...location, repo: "api", env: "prod", vault, kdf: cost, recipient, seenGen: 1 };
  await sandbox.giveConfig(config);
  return new Machine(sandbox, location, store);
}
