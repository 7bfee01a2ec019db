import { ConflictError, NotAuthenticError, RollbackError } from "../../errors.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Unlocked } from "../unlock/key-holder.ts";

/** What a reader knows beforehand, from its token or its machine's config. */
export interface Expectation {
  /** Vault id. Tokens minted by other writers may lack it. */
  readonly vault?: string;
  readonly env: string;
  /** An older generation is refused. */
  readonly minGen?: number;
  /**
   * This machine chose the vault's id and has pushed nothing yet, so a manifest with another id is somebody else's
   * push.
   */
  readonly isUnseen?: boolean;
  /** What this machine has seen; replaces `minGen`. */
  readonly history?: History;
}

/** What each holder on this machine has seen of a vault. */
export interface History {
  /** The newest generation that any of them has seen; 0 before the first. */
  readonly newest: number;
  /**
   * @throws RollbackError, AuditBrokenError the manifest is neither the generation that this opener saw last nor a
   * later one
   */
  verify(store: ObjectStore, opened: { manifest: Manifest; unlocked: Unlocked }, options: ReadOptions): Promise<void>;
}

/**
 * Compares a proven manifest with what the reader knows.
 *
 * @throws NotAuthenticError it belongs to another vault or env
 * @throws RollbackError it is older than `minGen`
 */
export function requireExpected(manifest: Manifest, expect: Expectation): void {
  if (expect.vault !== undefined) requireVault(manifest, expect.vault);
  if (manifest.env !== expect.env) {
    throw new NotAuthenticError(`the manifest belongs to another env than ${JSON.stringify(expect.env)}`);
  }
  requireNotOlder(manifest, expect.minGen ?? 0);
}

/** A vault in a machine's config. `minGen` is 0 until the machine has seen a generation. */
export type SeenVault = Required<Omit<Expectation, "isUnseen" | "history">>;

/**
 * Compares a manifest, or its absence, with what this machine has seen. It needs no passphrase: these are faults no
 * matter who wrote the manifest.
 *
 * @throws RollbackError the manifest is older, or gone
 * @throws ConflictError, NotAuthenticError as `requireJoined`
 */
export function requireSeen(manifest: Manifest | null, seen: SeenVault): void {
  if (manifest === null) return requireNothingSeen(seen.minGen);
  requireJoined(manifest, seen);
  requireVault(manifest, seen.vault);
  requireNotOlder(manifest, seen.minGen);
}

/** @throws ConflictError two people ran `init` on one empty prefix, and the other one pushed first */
export function requireJoined(manifest: Manifest, { vault, env, minGen = 0 }: Expectation): void {
  if (minGen > 0 || manifest.vault === vault) return;
  throw new ConflictError("another vault was pushed here since this machine ran init", {
    hint: `run \`vsync init --env=${env}\` again to join it`,
  });
}

/** @throws RollbackError this machine has seen a generation, and now the manifest is gone */
export function requireNothingSeen(minGen: number): void {
  if (minGen === 0) return;
  throw new RollbackError(`the manifest is gone; this machine has seen generation ${minGen}`);
}

function requireVault(manifest: Manifest, vault: string): void {
  if (manifest.vault === vault) return;
  throw new NotAuthenticError(`the manifest belongs to vault ${manifest.vault}, not ${vault}`);
}

/**
 * @throws RollbackError the manifest is older than `minGen`
 */
export function requireNotOlder({ gen }: Manifest, minGen: number): void {
  if (gen >= minGen) return;
  throw new RollbackError(`the store offers generation ${gen}, but generation ${minGen} was seen before`);
}
