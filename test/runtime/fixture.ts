import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { onTestFinished } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { encodeToken } from "../../src/blob/token.ts";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { type OpenOptions, Vsync } from "../../src/runtime/index.ts";
import type { GivenClaims } from "../../src/vault/tokens/create.ts";
import {
  type CreatedToken,
  createVault,
  PASSPHRASE,
  type VaultFixture,
  type VaultOptions,
} from "../support/vault-fixture.ts";

export const ITEMS = [
  { name: "DATABASE_URL", data: "postgres://app:s3cr3t-db@db.internal/app" },
  { name: "API_KEY", data: "sk_test_planted_0123456789" },
  { name: "EMPTY", data: "" },
  { name: "UMLAUT", data: "Grüße, 世界 🔑\n" },
  { name: "certs/sa.json", kind: "file", mode: 0o644, data: Uint8Array.of(0, 255, 1, 254, 10) },
] as const satisfies VaultOptions["items"];

/** A folder for one test, removed after it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/vsync runtime `);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface DirectoryVault extends VaultFixture {
  readonly passphrase: string;
  /** The runtime token. */
  readonly config: string;
  /** Where the objects are, with a trailing slash. */
  readonly folder: string;
  /** The runtime token with other fields. */
  configWith(fields: Partial<RuntimeToken>): string;
  /** Makes a scoped token, and its string. */
  token(claims?: Partial<GivenClaims>): Promise<ScopedToken>;
}

interface ScopedToken extends CreatedToken {
  readonly config: string;
  configWith(fields: Partial<RuntimeToken>): string;
}

/** A vault in a temporary directory. */
export async function directoryVault(options: Partial<VaultOptions> = {}): Promise<DirectoryVault> {
  const location = { endpoint: fileEndpoint(await temporaryFolder()), bucket: "vsync", prefix: "api/prod/" };
  await createDirectoryRoot(location);
  const store = openDirectoryStore(location);
  const vault = await createVault(store, { items: ITEMS, ...options });
  const token: RuntimeToken = { ...vault.tokenFields, ...location, region: "local", credentials: "ambient" };
  return {
    ...vault,
    passphrase: options.passphrase ?? PASSPHRASE,
    config: encodeToken(token),
    folder: store.label,
    configWith: (fields) => encodeToken({ ...token, ...fields }),
    async token(claims = {}) {
      const created = await vault.createToken(claims);
      const { anchor, credential, gen: minGen } = created;
      const scoped = { ...token, anchor, token: credential, minGen };
      const configWith = (fields: Partial<RuntimeToken>) => encodeToken({ ...scoped, ...fields });
      return { ...created, config: configWith({}), configWith };
    },
  };
}

/** The variables of an app for a vault. */
export function environmentOf(vault: DirectoryVault): Record<string, string> {
  return { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE: vault.passphrase };
}

/** Opens a vault, by default from its own environment, and closes it after the test. */
export async function open(vault: DirectoryVault, options: OpenOptions = {}): Promise<Vsync> {
  const handle = await Vsync.open({ env: environmentOf(vault), ...options });
  onTestFinished(() => handle.close());
  return handle;
}

/** What a promise was rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not rejected");
}
