import { randomBytes } from "node:crypto";
import { expect, inject } from "vitest";
import type { RuntimeToken } from "../../../src/blob/token.ts";
import { decodeToken } from "../../../src/blob/token.ts";
import type { LocalConfig } from "../../../src/cli/config/config-document.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import type { ObjectStore } from "../../../src/ports.ts";
import type { AccessKey } from "../../../src/stores/location.ts";
import { fetchManifest } from "../../../src/vault/open/open-manifest.ts";
import { hintOf } from "../../../src/vault/unlock/passphrase-holder.ts";
import { makeConfig } from "../../cli/config-fixture.ts";
import { openAt } from "../../s3/fixture.ts";
import type { S3Keys, S3Target } from "../ceph/target.ts";
import { ROOT } from "../strict-s3/server.ts";
import { createVault, type FixtureItem, type VaultFixture } from "../vault-fixture.ts";
import { openSandbox, type Sandbox, type Transcript } from "./sandbox.ts";

export const ITEMS = [{ name: "DATABASE_URL", data: "postgres://app:planted-value@db.internal/app" }];

/** A bucket, and the key that a machine's config has for it. */
export interface Place extends S3Keys {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Default: `api/prod/`. */
  readonly prefix?: string;
}

/** The strict server's bucket, as its root user. */
export function strictPlace({ endpoint, region }: { endpoint: string; region: string }, keys: S3Keys = ROOT): Place {
  return { endpoint, region, bucket: "strict", accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey };
}

function keyOf({ accessKeyId, secretAccessKey }: S3Keys): AccessKey {
  return { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
}

/** A throw-away machine that works on `api`. */
export async function openMachine(program?: readonly string[]): Promise<Sandbox> {
  const sandbox = await openSandbox(program);
  await sandbox.write("work/package.json", '{"name":"api"}');
  return sandbox;
}

/** A store over the same prefix, for the test itself. */
export function storeAt({ endpoint, region, bucket, prefix = "api/prod/", ...keys }: Place): ObjectStore {
  return openAt({ endpoint, region }, { bucket, prefix, keys });
}

/** A vault at generation 1, at the least cost of derivation. */
export function createVaultAt(place: Place, items: readonly FixtureItem[] = ITEMS): Promise<VaultFixture> {
  return createVault(storeAt(place), { items });
}

/** Gives the machine a config for env `prod`, of the existing vault if there is one. */
export async function configure(
  sandbox: Sandbox,
  { endpoint, region, bucket, prefix = "api/prod/", ...keys }: Place,
  changes: Partial<LocalConfig> = {},
): Promise<LocalConfig> {
  const manifest = changes.vault === undefined ? await manifestAt({ endpoint, region, bucket, prefix, ...keys }) : null;
  const hint = manifest === null ? undefined : hintOf(manifest.manifest);
  const known = hint && {
    vault: manifest?.manifest.vault ?? "",
    seenGen: manifest?.manifest.gen ?? 0,
    kdf: hint.cost,
    recipient: hint.recipient,
  };
  const config = makeConfig({ endpoint, region, bucket, prefix, credentials: keyOf(keys), ...known, ...changes });
  await sandbox.giveConfig(config);
  return config;
}

async function manifestAt(place: Place) {
  // a server that is down, or refuses, shows no vault
  return fetchManifest(storeAt(place)).catch(() => null);
}

/** The warning that the token has the machine's own key, which comes each time. */
export const OWN_KEY = /^vsync: warning: the token carries \w+, this machine's own key, .*\n/gm;

/** The token, which is the only output on stdout. */
export function tokenIn({ stdout, exitCode, stderr }: Transcript): RuntimeToken {
  expect({ exitCode, stderr: exitCode === 0 ? stderr.replace(OWN_KEY, "") : stderr }).toEqual({
    exitCode: 0,
    stderr: "",
  });
  expect(stdout).toMatch(/^vsync-cfg-v1:H4sIAAAAAAAAA[\w-]+\n$/);
  return decodeToken(stdout.trimEnd());
}

export function randomName(start: string): string {
  return `${start}-${randomBytes(4).toString("hex")}`;
}

const NO_KEYS = { accessKeyId: "", secretAccessKey: "", arn: "" };

/** The real server of this run with its two users. Without one the tests are collected all the same, and have to skip themselves. */
export function realServer(): { isThere: boolean; target: S3Target; reader: S3Keys & { readonly arn: string } } {
  const target = inject("s3");
  const nowhere = { name: "", endpoint: "http://none.invalid", region: "", ...NO_KEYS };
  return { isThere: target?.reader !== undefined, target: target ?? nowhere, reader: target?.reader ?? NO_KEYS };
}
