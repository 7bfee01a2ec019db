import { InputError } from "../../errors.ts";
import { type MuteToken, proposeSettings, readVaultSettings } from "../../vault/tokens/settings.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import { parseJson } from "../import/json.ts";
import { labelOf, readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { beforeReplacing, commitChanges, renderOutcome } from "../items/proposed-changes.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import { type ConsentFlags, listed } from "../terminal/consent.ts";

export interface SettingsInput extends SessionInput {
  readonly flags: SessionInput["flags"] &
    ConsentFlags & {
      readonly from?: string | undefined;
      readonly json?: boolean;
    };
}

const MAX_BYTES = 1024 * 1024;
const FROM_HINT = "name the JSON file with --from=<file>, or pipe it in with --from=-";

/**
 * Replaces the settings with those in a file. Asks before it changes or removes one.
 *
 * @throws GrantInvalidError the settings are not allowed; names their path
 * @throws InputError the file is not JSON, or the user declines
 */
export async function replaceSettings(input: SettingsInput, from: string, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const { output } = sources;
  const settings = await readSettingsFile(from, sources);
  using session = await openSession(input, sources);
  const { config } = session;
  using proposal = await proposeSettings(session.ports, { ...session.request, settings });
  const { unbound, mute } = proposal.plan;
  if (unbound.length > 0) output.warn(`the settings lack the backend of the token ${listed(unbound)}`);
  for (const token of mute) output.warn(muteWarning(token, config));
  const otherwise = `\`vsync settings ${vaultArgs(config)} --show\` prints what the vault has`;
  const committed = await commitChanges(proposal, beforeReplacing(config, otherwise), flags, sources);
  const words = { nothing: `${config.env} has exactly these settings`, done: `Settings of ${config.env} replaced` };
  renderOutcome({ config, plan: proposal.plan, committed }, words, flags, output);
  await session.remember(committed?.manifest);
}

/** Prints the settings as JSON that `--from` accepts. */
export async function showSettings(input: SettingsInput, sources: SecretSources): Promise<void> {
  using session = await openSession(input, sources, { use: "names" });
  const { manifest, settings } = await readVaultSettings(session.ports, session.request);
  sources.output.json(settings ?? {});
  if (settings === null) sources.output.say(`${session.config.env} has no settings yet`);
  await session.remember(manifest);
}

function muteWarning({ claims: { id, name, capabilities, meters }, route }: MuteToken, config: LocalConfig): string {
  const capable = [...new Set([...capabilities, "metering"])].join(",");
  const all = meters === undefined ? "" : ` --meters=${[...new Set([...meters, ...(route.meters ?? [])])].join(",")}`;
  const update = `vsync tokens update ${vaultArgs(config)} ${name ?? id} --capabilities=${capable}${all}`;
  return `the token ${name ?? id} may not report what route ${route.id} meters, so its usage will be missing: ${update}`;
}

async function readSettingsFile(from: string, sources: SecretSources): Promise<unknown> {
  const bytes = await readGivenInput({ path: from, flag: "--from", hint: FROM_HINT }, MAX_BYTES, sources);
  const name = labelOf(from);
  const settings = parseJson(new TextDecoder().decode(bytes), name, FROM_HINT);
  if (settings !== null) return withoutSchema(settings);
  throw new InputError(`${name} has null instead of settings`, { hint: "give {} to remove them all" });
}

/** Drops the member by which editors find the schema. */
function withoutSchema(given: unknown): unknown {
  if (typeof given !== "object" || given === null || !Object.hasOwn(given, "$schema")) return given;
  const { $schema: _schema, ...settings } = given as { readonly $schema?: unknown };
  return settings;
}
