import { InputError, LocalConfigMissingError } from "../../errors.ts";
import type { LocalConfig } from "../config/local-config.ts";
import type { LocationOverrides } from "../config/location.ts";
import { vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type FilePlace, isAt, PLACE_FIELDS } from "../project/project-place.ts";
import { isSameRoot } from "../project/roots.ts";
import type { Which } from "../project/which-vault.ts";

/**
 * Asks the user to agree to a place that a project file names, before anything is sent there, because the author of the
 * checkout chose it. Without a terminal, flags that name the same place count as agreement, and so does
 * `VSYNC_TRUST_PROJECT=1`.
 *
 * @throws InputError the user does not agree, or a flag names another place
 * @throws LocalConfigMissingError this machine's config names another place, and `retarget` is not set
 */
export async function agreeOnPlace(
  { path, place, vault }: FilePlace,
  flags: LocationOverrides & { readonly retarget?: boolean },
  known: { readonly current: LocalConfig | null; readonly target: Which; readonly isAgreed: boolean },
  { prompter, output, variables }: SecretSources,
): Promise<void> {
  const other = PLACE_FIELDS.find((field) => flags[field] !== undefined && flags[field] !== place[field]);
  if (other !== undefined) {
    throw new InputError(`--${other} is not what ${path} says (${place[other]})`, {
      hint: "change the file, or name another repository with --repo=<name>",
    });
  }
  const { current, target } = known;
  const isOther = current !== null && vault !== undefined && current.seenGen > 0 && current.vault !== vault;
  if (isAt(current, place) && !isOther) return;
  if (current !== null && !flags.retarget) throw elsewhere(current, { path, place, vault }, target);
  output.say(`${target.repo}/${target.env}: ${shownPlace(place)} (from ${path})`);
  if (known.isAgreed) return;
  if (variables["VSYNC_TRUST_PROJECT"] === "1" || (flags.endpoint !== undefined && flags.bucket !== undefined)) return;
  if (!prompter.isInteractive) {
    throw new InputError(`${path} names this store, and you have not agreed to use it`, {
      hint: `give --endpoint=${place.endpoint} --bucket=${place.bucket}, or set VSYNC_TRUST_PROJECT=1 for a checkout that you trust`,
    });
  }
  if (await prompter.confirm("Use this store?")) return;
  throw new InputError("nothing was sent, and nothing written", { hint: `correct ${path}, or ask its author` });
}

/**
 * Asks the user to agree that this folder uses a vault which this machine has bound to other folders. `--repo` and
 * `VSYNC_REPO` count as agreement.
 *
 * @throws InputError the user does not agree
 */
export async function agreeOnFolder(
  { repo, env, named: { by, project } }: Which,
  current: LocalConfig | null,
  { prompter, output, variables }: SecretSources,
): Promise<void> {
  const roots = current?.roots ?? [];
  if (current === null || roots.length === 0 || by === "flag" || by === "variable") return;
  if (roots.some((root) => project.roots.some((here) => isSameRoot(root, here)))) return;
  const folders = roots.map(({ folder }) => folder).join(", ");
  output.say(`${repo}/${env} is known from ${folders}: ${shownPlace(current)}`);
  if (variables["VSYNC_TRUST_PROJECT"] === "1") return;
  if (!prompter.isInteractive) {
    throw new InputError(`${repo} is known from ${folders}, not from this folder`, {
      hint: `to use it here too: vsync init --env=${env} --repo=${repo}`,
    });
  }
  if (await prompter.confirm(`Use it from ${project.root.folder} too?`)) return;
  throw new InputError("nothing was written", { hint: "name another repository with --repo=<name>" });
}

function shownPlace({ endpoint, bucket, prefix, kmsKey, requesterPays }: FilePlace["place"]): string {
  const terms = [
    ...(kmsKey === undefined ? [] : [`KMS key ${kmsKey}`]),
    ...(requesterPays ? ["you pay for requests"] : []),
  ];
  return [endpoint, bucket, prefix, ...terms].join(" · ");
}

const ofVault = (id: string | undefined): string => (id === undefined ? "" : ` · vault ${id}`);

function elsewhere(current: LocalConfig, { path, place, vault }: FilePlace, target: Which): LocalConfigMissingError {
  return new LocalConfigMissingError(
    `${path} says ${shownPlace(place)}${ofVault(vault)}, but this machine's config says ${shownPlace(current)}${ofVault(current.vault)}`,
    { hint: `to follow the file and give credentials again: vsync init ${vaultFlags(target)} --retarget` },
  );
}
