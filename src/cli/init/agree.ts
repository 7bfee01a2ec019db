import { InputError, LocalConfigMissingError } from "../../errors.ts";
import type { LocalConfig } from "../config/local-config.ts";
import type { LocationOverrides } from "../config/location.ts";
import { vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type FilePlace, isAt, PLACE_FIELDS } from "../project/project-place.ts";
import { isSameRoot } from "../project/roots.ts";
import type { Which } from "../project/which-vault.ts";

/**
 * Lets a person agree to a place that a project file names, before anything is sent to it: the author of the checkout chose
 * it. Without a terminal, flags that say the same agree, or `VSYNC_TRUST_PROJECT=1`.
 *
 * @throws InputError nobody agrees, or a flag says otherwise
 * @throws LocalConfigMissingError this machine's config has another place, and `retarget` is not set
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
    throw new InputError(`${path} names this store, and nobody has agreed to use it`, {
      hint: `give --endpoint=${place.endpoint} --bucket=${place.bucket}, or set VSYNC_TRUST_PROJECT=1 for a checkout that you trust`,
    });
  }
  if (await prompter.confirm("Use this store?")) return;
  throw new InputError("nothing was sent, and nothing written", { hint: `correct ${path}, or ask its author` });
}

/**
 * Lets a person agree that a folder may use a vault which this machine has bound to others. `--repo` and `VSYNC_REPO` agree.
 *
 * @throws InputError nobody agrees
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
    ...(requesterPays ? ["you pay the requests"] : []),
  ];
  return [endpoint, bucket, prefix, ...terms].join(" · ");
}

const ofVault = (id: string | undefined): string => (id === undefined ? "" : ` · vault ${id}`);

function elsewhere(current: LocalConfig, { path, place, vault }: FilePlace, target: Which): LocalConfigMissingError {
  return new LocalConfigMissingError(
    `${path} says ${shownPlace(place)}${ofVault(vault)}, and this machine's config ${shownPlace(current)}${ofVault(current.vault)}`,
    { hint: `to follow the file, with credentials given anew: vsync init ${vaultFlags(target)} --retarget` },
  );
}
