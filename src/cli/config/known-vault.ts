import type { Secret } from "../../crypto/secret.ts";
import type { SeenVault } from "../../vault/open/expectation.ts";
import { PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import type { LocalConfig } from "./local-config.ts";

/** The facts about the vault that this machine compares with every manifest. */
export function seenVaultOf({ vault, env, seenGen }: LocalConfig): SeenVault {
  return { vault, env, minGen: seenGen };
}

/** A passphrase with this machine's hint, so its derivation can start early. The caller disposes of it. */
export function holderOf(passphrase: Secret, { kdf, recipient }: LocalConfig): PassphraseHolder {
  return new PassphraseHolder(passphrase, { cost: kdf, recipient });
}
