import { InputError } from "../../errors.ts";
import { proposeSetOrFirstPush } from "../../vault/items/set.ts";
import { openVault } from "../../vault/open/open.ts";
import { vaultArgs } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type OtherFlags, openOther } from "../session/other-env.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import { type ConsentFlags, consentTo, listed } from "../terminal/consent.ts";
import { commitChanges, type Outcome } from "./proposed-changes.ts";
import { type Selection, selectItems } from "./selection.ts";

export type CopyFlags = SessionInput["flags"] & Selection & ConsentFlags & OtherFlags;

/**
 * Copies secrets and files of one env into another. The other names of the target stay.
 *
 * @throws InputError the source lacks a name, or the user does not agree to the changes
 */
export async function copyItems(
  [from, to]: readonly [string, string],
  flags: CopyFlags,
  sources: SecretSources,
): Promise<Outcome & { readonly from: number }> {
  if (from === to)
    throw new InputError(`${from} is named twice`, { hint: "name two envs, as in vsync copy staging prod" });
  using source = await openSession({ flags, args: { env: from } }, sources, { use: "values" });
  const { manifest, bundle } = await openVault(source.ports, source.request);
  await source.remember(manifest);
  const items = selectItems(bundle.items, flags, source.config, `${source.config.repo}/${from} has no`);
  using target = await openOther(to, { flags }, sources, { use: "write" });
  const { config, identity, request } = target;
  const annotation = { ...request.annotation, meta: { ...request.annotation.meta, copied_from: from } };
  using proposal = await proposeSetOrFirstPush(target.ports, { ...request, annotation, identity, items });
  const committed = await commitChanges(
    proposal,
    ({ added, changed }) => {
      // For a protected env, ask about every change; for any other, only about what would be overwritten.
      const asked = config.isProtected === true ? added : [];
      if (asked.length + changed.length === 0) return null;
      const vault = `${config.repo}/${to}`;
      const more = asked.length === 0 ? "" : `, and add ${listed(asked)}`;
      const otherwise = `to see what differs, vsync diff ${from} ${vaultArgs(config)}`;
      if (changed.length === 0) return consentTo(config, "add", `${listed(asked)} to ${vault}`, otherwise);
      const what = `${listed(changed)} of ${vault} by what ${from} holds${more}`;
      return consentTo(config, "replace", what, otherwise);
    },
    flags,
    sources,
  );
  await target.remember(committed?.manifest);
  return { config, plan: proposal.plan, committed, from: manifest.gen };
}
