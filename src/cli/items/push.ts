import { proposePush } from "../../vault/items/push.ts";
import { vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { OlderPassphrases } from "../session/older-passphrases.ts";
import type { Session } from "../session/session.ts";
import type { ConsentFlags } from "../terminal/consent.ts";
import { settleDoubts } from "./dotenv/doubts.ts";
import { findBase, noteBase, notingOf } from "./file-base.ts";
import { beforeRemoving, beforeReplacing, commitChanges, type Outcome } from "./proposed-changes.ts";
import { type PushInput, readPushInput } from "./push-input.ts";
import { mergeCommand, requireFresh, type StaleFlags } from "./stale.ts";

export interface PushFlags extends PushInput, ConsentFlags, StaleFlags {
  readonly "allow-empty"?: boolean;
  /** Refuse values that tools read in different ways. */
  readonly strict?: boolean;
  readonly "then-passphrase-file"?: string | undefined;
}

/**
 * Replaces the vault's content with that of files.
 *
 * @throws StaleBaseError the push would undo what others changed since the file was pulled
 * @throws InputError the user does not agree to the removals
 */
export async function pushFiles(session: Session, flags: PushFlags, sources: SecretSources): Promise<Outcome> {
  const { config, identity } = session;
  const read = await readPushInput(flags, config, sources);
  const { items, dotenv } = read;
  const from = flags.base === undefined ? await findBase(dotenv, config.vault) : { gen: flags.base, origin: null };
  using older = new OlderPassphrases(flags["then-passphrase-file"], sources);
  const base = from && { from, olderHolder: older.holderOf };
  const request = { ...session.request, identity, items, mayEmpty: flags["allow-empty"] ?? false, base };
  using proposal = await proposePush(session.ports, request);
  const { plan } = proposal;
  requireFresh(plan.stale, config, flags);
  settleDoubts(read, plan.changes, flags, sources.output);
  const single = `to change one secret, vsync set ${vaultFlags(config)} <name>`;
  const asking =
    base === null
      ? beforeReplacing(config, `${mergeCommand(config, flags)}; ${single}`)
      : beforeRemoving(config, single);
  const committed = await commitChanges(proposal, asking, flags, sources);
  const head = committed?.manifest ?? plan.head;
  if (!flags["dry-run"] && head !== null) await noteBase(dotenv, head, notingOf(config, sources));
  return { config, plan, committed };
}
