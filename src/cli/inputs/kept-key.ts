import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { sha256Hex } from "../../crypto/digest.ts";
import { Secret } from "../../crypto/secret.ts";
import { x25519PublicKey } from "../../crypto/x25519.ts";
import { InputError } from "../../errors.ts";
import type { KeptKey } from "../../vault/unlock/passphrase-holder.ts";
import type { LocalConfig } from "../config/local-config.ts";

/**
 * `vsync unlock` keeps the key derived from a passphrase in the kernel's keyring of this login session (keyrings(7)).
 * The key ends with the session or when its time is up. Only processes of the session can read it, and it is never in a
 * file.
 */

/** Absolute paths, because PATH may lead to somebody else's program. */
const PROGRAMS = ["/usr/bin/keyctl", "/bin/keyctl"];
const PREFIX = "vsync-key-v1:";
/** View, read, write, search, link and setattr for the key's possessor; nothing for anybody else. */
const POSSESSOR_ONLY = "0x3f000000";
const TIMEOUT_MS = 5_000;
const KEY_BYTES = 64;
const HEADER_BYTES = 4;

interface Cost {
  /** Base64. */
  readonly salt: string;
  readonly iterations: number;
  readonly memoryKiB: number;
  readonly parallelism: number;
}

function keyctl(args: readonly string[], input?: Uint8Array): Buffer | null {
  const program = process.platform === "linux" ? PROGRAMS.find((path) => existsSync(path)) : undefined;
  if (program === undefined) return null;
  const { status, stdout } = spawnSync(program, args, {
    env: {},
    timeout: TIMEOUT_MS,
    stdio: ["pipe", "pipe", "ignore"],
    ...(input === undefined ? {} : { input }),
  });
  return status === 0 ? stdout : null;
}

/** Identifies a vault at one place: a key kept for another place must not open it here. */
function nameOf({ repo, env, vault, endpoint, bucket, prefix }: LocalConfig): string {
  return `${prefixOf({ repo, env })}${sha256Hex(Buffer.from(JSON.stringify([vault, endpoint, bucket, prefix])))}`;
}

function prefixOf({ repo, env }: Pick<LocalConfig, "repo" | "env">): string {
  return `${PREFIX}${repo}/${env}:`;
}

/**
 * Keeps a key for `forMs` milliseconds.
 *
 * @throws InputError this login has no keyring of its own, or the kernel refuses; the key is then not kept at all
 */
export function keepKey(config: LocalConfig, { cost, key }: Omit<KeptKey, "forget">, forMs: number): void {
  requireOwnKeyring();
  forgetKey(config);
  const { iterations, memoryKiB, parallelism } = cost;
  const said: Cost = { salt: Buffer.from(cost.salt).toString("base64"), iterations, memoryKiB, parallelism };
  const header = Buffer.from(JSON.stringify({ cost: said, until: Date.now() + forMs }));
  const length = Buffer.alloc(HEADER_BYTES);
  length.writeUInt32BE(header.length);
  const payload = Buffer.concat([length, header, key.seed.expose(), key.mac.expose()]);
  try {
    const id = keyctl(["padd", "user", nameOf(config), "@s"], payload)
      ?.toString()
      .trim();
    if (id === undefined || id === "") throw noKeyring("the kernel keeps no key for it");
    const isBound = [
      ["timeout", id, String(Math.ceil(forMs / 1000))],
      ["setperm", id, POSSESSOR_ONLY],
    ].every((args) => keyctl(args) !== null);
    if (isBound) return;
    forgetKey(config);
    throw noKeyring("the kernel cannot limit the key's lifetime and readers");
  } finally {
    payload.fill(0);
  }
}

/** Otherwise the login shares the keyring with all of the user's sessions, including cron and services. */
function requireOwnKeyring(): void {
  const described = keyctl(["rdescribe", "@s"]);
  if (described === null) throw noKeyring("keyctl (package keyutils) is missing or refused");
  const name = described.toString().trim().split(";").at(-1) ?? "";
  if (name.startsWith("_uid")) throw noKeyring("it shares the keyring of all your sessions");
}

function noKeyring(why: string): InputError {
  return new InputError(`this login has no keyring of its own: ${why}`, {
    hint: "let VSYNC_PASSPHRASE_COMMAND ask your password manager instead: docs/working-day.md has lines for some",
  });
}

/** The key kept for this vault at this place, or null. */
export function findKept(config: LocalConfig): KeptKey | null {
  const id = keyctl(["search", "@s", "user", nameOf(config)])
    ?.toString()
    .trim();
  if (id === undefined || id === "") return null;
  const payload = keyctl(["pipe", id]);
  if (payload === null || payload.length < HEADER_BYTES) return null;
  const at = HEADER_BYTES + payload.readUInt32BE();
  if (payload.length !== at + KEY_BYTES) return null;
  const { cost, until } = JSON.parse(payload.subarray(HEADER_BYTES, at).toString()) as { cost: Cost; until: number };
  // If vsync was killed before it set the kernel's timeout, only this check applies.
  if (Date.now() >= until) {
    forgetKey(config);
    return null;
  }
  const [seed, mac] = [payload.subarray(at, at + KEY_BYTES / 2), payload.subarray(at + KEY_BYTES / 2)];
  const recipient = x25519PublicKey(seed);
  const key = { seed: Secret.ofBytes(seed), mac: Secret.ofBytes(mac), recipient };
  return { cost: { ...cost, salt: Buffer.from(cost.salt, "base64") }, key, forget: () => forgetKey(config) };
}

function forgetKey(config: LocalConfig): boolean {
  const id = keyctl(["search", "@s", "user", nameOf(config)])
    ?.toString()
    .trim();
  return id !== undefined && id !== "" && forget(id);
}

function forget(id: string): boolean {
  keyctl(["revoke", id]);
  return keyctl(["unlink", id, "@s"]) !== null;
}

/**
 * Forgets the keys of an env, including those for its earlier places; with null, all keys of this login. Returns how
 * many.
 */
export function forgetKeys(config: LocalConfig | null): number {
  const prefix = config === null ? PREFIX : prefixOf(config);
  const ids = keyctl(["rlist", "@s"])?.toString().trim().split(/\s+/) ?? [];
  const isOurs = (id: string): boolean =>
    keyctl(["rdescribe", id])?.toString().trim().split(";").at(-1)?.startsWith(prefix) ?? false;
  return ids.filter((id) => id !== "" && isOurs(id)).filter(forget).length;
}
