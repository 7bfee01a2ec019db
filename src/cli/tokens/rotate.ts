import { stat } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../disk/faults.ts";
import { codeOf } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import { proposeTokenRotate, type TokenRotatePlan } from "../../vault/tokens/rotate.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import { vaultArgs } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { configOf } from "../session/config.ts";
import { warnOfOldPlaces } from "../session/old-places.ts";
import { type SessionInput, sessionOn } from "../session/session.ts";
import { Delivery, type DeliveryFlags } from "./minting/delivery.ts";
import { commitAndHandOver, requireDeliverable, requireNew, type TokenHandOver } from "./minting/hand-over.ts";
import { renderRotated } from "./render-token.ts";

export interface TokenRotateInput extends SessionInput {
  readonly flags: SessionInput["flags"] & DeliveryFlags & { readonly overlap?: number | undefined };
}

/**
 * Gives tokens new credentials and delivers them.
 *
 * @param words as `proposeTokenRotate` takes them; with `all`, `--out` is a folder
 * @throws TokenUndeliveredError the rotation stands, but the new credential was not delivered
 * @throws what `proposeTokenRotate` and `commit` throw
 */
export async function rotateTokens(
  input: TokenRotateInput,
  words: readonly [string] | "all",
  sources: SecretSources,
): Promise<void> {
  const { flags } = input;
  const { output } = sources;
  const config = await configOf(input, sources, { use: "write" });
  await (words === "all" ? requireFolder(flags.out) : requireDeliverable(flags.out));
  const delivery = await Delivery.of(config, flags, sources);
  using session = await sessionOn(config, flags, sources);
  await delivery.validate();
  const request = { tokens: words, ...(flags.overlap === undefined ? {} : { overlapMs: flags.overlap }) };
  using proposal = await proposeTokenRotate(session.ports, { ...session.request, ...request });
  const { plan } = proposal;
  if (plan.rotated.length === 0) return output.done(`${config.env} has no token to rotate`);
  const end = (): void => plan.rotated.forEach(({ credential }) => credential.destroy());
  using held = { rotated: plan.rotated, [Symbol.dispose]: end };
  const handOver = await handOverOf(held.rotated, words === "all" ? (flags.out ?? null) : null, delivery);
  const committed = await commitAndHandOver(proposal, handOver, `vsync tokens list ${vaultArgs(config)}`);
  await session.remember(committed?.manifest);
  renderRotated(plan, { config, out: flags.out }, output);
  const made = plan.rotated.flatMap(({ token }) => delivery.jsonOf(token) ?? []);
  if (made.length > 0) output.json(words === "all" ? made : made[0]);
  if (committed !== null) warnOfAuditFault(committed, config, output);
  if (committed !== null) await warnOfOldPlaces(config, output);
  handOver.confirm();
}

async function requireFolder(out: string | undefined): Promise<void> {
  const hint = "give --out=<folder>: each token gets its own file there";
  if (out === undefined) throw new InputError("--all needs a folder for the new tokens", { hint });
  const stats = await stat(out).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw new InputError(`cannot use ${out}: ${reasonOf(codeOf(error))}`, { hint });
    throw new InputError(`the folder ${out} does not exist`, { hint: "make it, then run the command again" });
  });
  if (!stats.isDirectory()) throw new InputError(`${out} is not a folder`, { hint });
}

async function handOverOf(
  rotated: TokenRotatePlan["rotated"],
  folder: string | null,
  delivery: Delivery,
): Promise<TokenHandOver> {
  const [first] = rotated;
  if (first !== undefined && folder === null) return delivery.handOver(first);
  const tokens = rotated.map(({ token }) => token);
  const files = rotated.map((it) => ({ ...it, path: join(folder ?? "", fileNameAmong(tokens, it.token)) }));
  for (const { path } of files) await requireNew(path);
  return delivery.handOverInFiles(files);
}

/** Adds the last four characters if another token would get the same file, also on a disk that ignores case. */
function fileNameAmong(tokens: readonly TokenSummary[], token: TokenSummary): string {
  const name = fileNameOf(token);
  const sharing = tokens.filter((it) => fileNameOf(it).toLowerCase() === name.toLowerCase());
  return sharing.length > 1 ? `${name}-${token.lastFour}` : name;
}

/** The name if it is a valid file name, else the id. */
function fileNameOf({ id, claims: { name } }: TokenSummary): string {
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name) ? name : id;
}
