import type { LocalConfig } from "../../src/cli/config/local-config.ts";
import type { Target } from "../../src/cli/config/target.ts";
import type { Which } from "../../src/cli/project/which-vault.ts";
import { Secret } from "../../src/crypto/secret.ts";

export const PLANTED_SECRET = "planted-secret-access-key";

/** A config for a bucket, with `changes` applied. */
export function makeConfig(changes: Partial<LocalConfig> = {}): LocalConfig {
  return {
    repo: "api",
    env: "prod",
    endpoint: "https://s3.example.com",
    region: "eu-central-1",
    bucket: "vaults",
    prefix: "api/prod/",
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: Secret.ofText(PLANTED_SECRET) },
    vault: "AAECAwQFBgcICQoLDA0ODw",
    kdf: { salt: new Uint8Array(16).fill(7), iterations: 3, memoryKiB: 65536, parallelism: 4 },
    recipient: new Uint8Array(32).fill(9),
    seenGen: 0,
    ...changes,
  };
}

/** A vault named with `--repo`, in a folder that belongs to no project. */
export function whichOf({ repo, env }: Target): Which {
  const root = { folder: "/nowhere" };
  const project = { file: null, packaged: null, tree: null, roots: [root], root, isMarked: false };
  return { repo, env, isEnvTyped: true, named: { name: repo, from: "--repo", by: "flag", project } };
}
