import { derivePassphraseKey, destroyPassphraseKey } from "../../crypto/kdf.ts";
import type { Secret } from "../../crypto/secret.ts";
import { WrongPassphraseError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock } from "../../stores/open-store.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { hintOf, joinVault, type PassphraseHint } from "../../vault/join.ts";
import { operatorEntry } from "../../vault/unlock/passphrase-holder.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { checkSeen } from "../config/seen-manifest.ts";
import type { Target } from "../config/target.ts";

export interface JoinRequest {
  readonly target: Target;
  readonly store: ObjectStore;
  readonly passphrase: Secret;
  /** What this machine knows of this very vault, or null. */
  readonly known: LocalConfig | null;
}

export interface Joined {
  readonly vault: string;
  readonly gen: number;
  /** Of the slot of those who may write, whichever was opened. */
  readonly hint: PassphraseHint;
  /** Set where the passphrase has been rotated away and is in its grace window. */
  readonly readOnlyUntil: string | null;
}

/**
 * Proves a passphrase against the vault that is there.
 *
 * @throws WrongPassphraseError also where it is the one from before a rotation, and says so
 * @throws RollbackError the manifest is older than what this machine has seen
 * @throws what opening a manifest throws
 */
export async function joinExisting(request: JoinRequest): Promise<Joined> {
  const { target, store, passphrase, known } = request;
  const ports = { store, clock: systemClock };
  const { manifest, hint } = await joinVault(ports, passphrase, target.env).catch(async (error: unknown) => {
    throw error instanceof WrongPassphraseError ? await namingTheRotation(error, request) : error;
  });
  if (known !== null) checkSeen(manifest, known);
  const operator = operatorEntry(manifest);
  return {
    vault: manifest.vault,
    gen: manifest.gen,
    hint: operator === undefined ? hint : hintOf(operator),
    readOnlyUntil: graceEnd(manifest, hint),
  };
}

/** The passphrase that this machine knows was right until somebody rotated it. */
async function namingTheRotation(
  error: WrongPassphraseError,
  { known, passphrase }: JoinRequest,
): Promise<WrongPassphraseError> {
  if (known === null || !(await derives(passphrase, known))) return error;
  return new WrongPassphraseError("this is the passphrase from before the rotation", {
    hint: "give the new one: whoever rotated it knows it",
  });
}

async function derives(passphrase: Secret, known: LocalConfig): Promise<boolean> {
  const key = await derivePassphraseKey(passphrase, known.kdf);
  destroyPassphraseKey(key);
  return Buffer.compare(key.recipient, known.recipient) === 0;
}

function graceEnd({ unlock }: Manifest, { recipient }: PassphraseHint): string | null {
  const encoded = Buffer.from(recipient).toString("base64");
  const until = unlock.find((entry) => entry["recipient"] === encoded)?.["not_after"];
  return typeof until === "string" ? until : null;
}
