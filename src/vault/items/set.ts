import { ConflictError, InputError, ManifestNotFoundError } from "../../errors.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { type AffectedVault, effectsOn } from "../commit/plan-tokens.ts";
import { type Amending, type AmendRequest, type Proposal, proposeAmendment } from "../commit/proposal.ts";
import type { OpenedVault } from "../open/open.ts";
import { type ChangePlan, compareItems, isEmpty, type NamedData, requireItems } from "./changes.ts";
import { type PushRequest, proposePush } from "./push.ts";

/** Makes the error for an unknown name. The caller may suggest another name. */
export type NoSuchName = (name: string, items: readonly NamedData[]) => Error;

const noSuchName: NoSuchName = (name) =>
  new InputError(`the vault has no ${JSON.stringify(name)}`, { hint: "`vsync list` shows the names" });

/** Proposes to add items or give them new data. All others stay. */
export async function proposeSet(
  ports: CommitPorts,
  request: AmendRequest,
  items: readonly NamedData[],
): Promise<Proposal<ChangePlan>> {
  const named = new Set(items.map((item) => item.name));
  return proposeAmendment(ports, request, (vault, tokens) => {
    const after = [...vault.bundle.items.filter((item) => !named.has(item.name)), ...items];
    return editing("set", { ...vault, ...tokens, nowMs: ports.clock.nowMs() }, after);
  });
}

/**
 * Like `proposeSet`, but if nothing has been pushed yet, the items become the first push.
 *
 * @throws ConflictError somebody else made the first push in the meantime
 */
export async function proposeSetOrFirstPush(
  ports: CommitPorts,
  request: AmendRequest & Omit<PushRequest, "mayEmpty">,
): Promise<Proposal<ChangePlan>> {
  try {
    return await proposeSet(ports, request, request.items);
  } catch (error) {
    if (!(error instanceof ManifestNotFoundError)) throw error;
  }
  const proposal = await proposePush(ports, request);
  if (proposal.plan.changes.removed.length === 0) return proposal;
  proposal[Symbol.dispose]();
  throw new ConflictError("somebody else pushed first; nothing was written");
}

/**
 * @throws what `toError` makes (by default an InputError) if the vault lacks one of these names
 */
export async function proposeUnset(
  ports: CommitPorts,
  request: AmendRequest,
  names: readonly string[],
  toError: NoSuchName = noSuchName,
): Promise<Proposal<ChangePlan>> {
  return proposeAmendment(ports, request, (vault, tokens) => {
    const { items } = vault.bundle;
    const missing = names.find((name) => !items.some((item) => item.name === name));
    if (missing !== undefined) throw toError(missing, items);
    const after = items.filter((item) => !names.includes(item.name));
    return editing("unset", { ...vault, ...tokens, nowMs: ports.clock.nowMs() }, after);
  });
}

async function editing(
  action: string,
  { bundle, manifest, ...base }: OpenedVault & Pick<AffectedVault, "roll" | "nowMs">,
  items: readonly NamedData[],
): Promise<Amending<ChangePlan>> {
  const changes = compareItems(bundle.items, items);
  requireItems(items);
  const tokens = await effectsOn({ ...manifest, ...base }, bundle.items, items);
  return { plan: { changes, gen: manifest.gen, tokens }, amendment: isEmpty(changes) ? null : { action, items } };
}
