import type { Secret } from "../../crypto/secret.ts";
import { WrongPassphraseError } from "../../errors.ts";
import { oddityOf } from "../../oddities.ts";
import type { Manifest } from "../format/manifest.ts";
import { timeAgo } from "../format/relative-time.ts";
import { shown } from "../format/shape.ts";

/** Nothing in this manifest is proven: anyone who can write to the store may have written it. */
export function wrongPassphrase(
  { repo, env, at, actor }: Manifest,
  passphrase: Secret,
  nowMs: number,
): WrongPassphraseError {
  const oddity = oddityOf(passphrase.exposeText());
  const changed = `${timeAgo(at, nowMs)} by ${shown(`${actor.user}@${actor.host}`)}`;
  return new WrongPassphraseError(`wrong passphrase for ${shown(repo)}/${shown(env)}`, {
    hint: `${oddity === null ? "" : `${oddity}; `}the store says (unproven): changed ${changed}; check where the passphrase comes from, and if it was rotated, roll the new one out`,
  });
}
