import { NotAuthenticError } from "../errors.ts";
import { argon2id, type KdfCost, kdfCostFault } from "./argon2id.ts";
import { Secret } from "./secret.ts";
import { x25519PublicKey } from "./x25519.ts";

/** The keys derived from a passphrase and a cost: the X25519 key pair of a slot, and the key of its endorsement. */
export interface PassphraseKey {
  /** X25519 private key, 32 bytes. */
  readonly seed: Secret;
  /** HMAC-SHA256 key, 32 bytes. */
  readonly mac: Secret;
  /** X25519 public key, 32 bytes. */
  readonly recipient: Uint8Array;
}

/** How many derivations run or wait. */
let pending = 0;
/** Resolves after the last of them has succeeded or failed. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Argon2id version 1.3 (RFC 9106) over the passphrase's bytes as they are, 64 bytes out: `seed[32] ‖ mac[32]`.
 *
 * A process runs one derivation at a time. Two at once would take 128 MiB at the default cost, which kills a container
 * of that size whenever its token's hint is outdated. A derivation that has started cannot be stopped.
 *
 * @param signal keeps a waiting derivation from starting
 * @throws NotAuthenticError the cost is out of bounds; nothing is derived then
 */
export async function derivePassphraseKey(
  passphrase: Secret,
  cost: KdfCost,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<PassphraseKey> {
  const fault = kdfCostFault(cost);
  if (fault !== null) throw new NotAuthenticError(fault);
  const derive = async (): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    return argon2id(passphrase.expose(), cost, 64);
  };
  // If nothing is pending, start at once: a boot then loads its store, which blocks this thread.
  const turn = pending === 0 ? derive() : last.then(derive);
  pending += 1;
  last = turn.catch(() => {});
  const out = await turn.finally(() => {
    pending -= 1;
  });
  const seed = out.subarray(0, 32);
  return { seed: Secret.ofBytes(seed), mac: Secret.ofBytes(out.subarray(32)), recipient: x25519PublicKey(seed) };
}

/** Zeroes the two secret keys. */
export function destroyPassphraseKey({ seed, mac }: PassphraseKey): void {
  seed.destroy();
  mac.destroy();
}
