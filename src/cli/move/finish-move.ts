import { InputError } from "../../errors.ts";
import { planFinishOfMove } from "../../vault/move.ts";
import { type LocalConfig, updateConfig } from "../config/local-config.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { resolveTarget } from "../project/which-vault.ts";
import { configFor } from "../session/config.ts";
import { type SessionInput, sessionOn } from "../session/session.ts";
import { openStore } from "../session/store.ts";
import { type ConsentFlags, consentTo, requireConsent } from "../terminal/consent.ts";

export interface FinishedMove {
  readonly config: LocalConfig;
  readonly removed: readonly string[];
}

/**
 * Removes the bundles at a vault's old place, because old tokens and passphrases still open them.
 *
 * @throws InputError this machine knows no old place, or the user does not agree
 * @throws what `planFinishOfMove` throws
 */
export async function finishMove(
  input: SessionInput,
  flags: ConsentFlags,
  sources: SecretSources,
): Promise<FinishedMove> {
  const which = await resolveTarget(input, sources.output.warn, { use: "write" });
  const config = await configFor(which, sources, { use: "write" });
  const { movedFrom } = config;
  if (movedFrom === undefined) {
    throw new InputError(`this machine has not moved ${config.repo}/${config.env}`, {
      hint: "finish it where vsync move was run",
    });
  }
  using session = await sessionOn(config, input.flags, sources);
  const store = await openStore(movedFrom);
  const { keys: removed, remove } = await planFinishOfMove(session.ports, session.request, store);
  const what = `the ${removed.length} bundles of ${config.repo}/${movedFrom.env} at ${store.label}`;
  const otherwise = "apps with tokens from before the move cannot start afterwards";
  if (removed.length > 0) await requireConsent(consentTo(config, "remove", what, otherwise), flags, sources.prompter);
  await remove();
  await updateConfig(config, ({ movedFrom: _gone, ...latest }) => latest);
  return { config, removed };
}
