import { stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "../../stores/open-store.ts";
import type { TokenKind } from "../../tokens/credential-form.ts";
import type { Committed } from "../../vault/commit/proposal.ts";
import { proposeTokenCreate, type TokenCreateRequest } from "../../vault/tokens/create.ts";
import { vaultArgs } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { warnOfAuditFault } from "../items/proposed-changes.ts";
import { configOf } from "../session/config.ts";
import { type Session, type SessionInput, sessionOn } from "../session/session.ts";
import { Delivery, type DeliveryFlags } from "./minting/delivery.ts";
import { commitAndHandOver, FileThereError, requireDeliverable } from "./minting/hand-over.ts";
import { renderCreated } from "./render-token.ts";
import { type ClaimFlags, claimsOf, endOf, kindOf, warnOfPatterns } from "./rights/claim-flags.ts";
import { unknownNames } from "./rights/name-filters.ts";

export interface TokenCreateInput extends SessionInput {
  readonly flags: SessionInput["flags"] &
    ClaimFlags &
    DeliveryFlags & { readonly kind?: TokenKind | undefined; readonly "if-absent"?: boolean | undefined };
}

/**
 * Creates a token and delivers it. It first checks everything that needs neither the network nor the user.
 *
 * @throws TokenUndeliveredError the token stands, but its credential was not delivered
 * @throws what `proposeTokenCreate` and `commit` throw
 */
export async function createToken(input: TokenCreateInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const { output } = sources;
  const config = await configOf(input, sources, { use: "write" });
  const claims = await claimsOf(flags, flags.kind ?? kindOf(config.env));
  warnOfPatterns(claims, output);
  if (!flags["if-absent"]) await requireDeliverable(flags.out);
  const delivery = await Delivery.of(config, flags, sources);
  const end = await endOf(flags.expires, systemClock.nowMs(), sources);
  using session = await sessionOn(config, flags, sources);
  await delivery.validate();
  const request = { claims: { ...claims, ...(end === null ? {} : { not_after: end }) }, ifAbsent: flags["if-absent"] };
  using proposal = await proposeTokenCreate(session.ports, { ...session.request, ...request });
  const { token, credential, names } = proposal.plan;
  if (credential === null) {
    output.done(`${config.env} has this token already (${token.id}): nothing to do`);
    return;
  }
  using secret = credential;
  for (const name of unknownNames(flags, names)) output.warn(`${config.env} has no ${JSON.stringify(name)} yet`);
  const handOver = delivery.handOver({ token, credential: secret });
  const tell = `vsync tokens show ${vaultArgs(config)} ${token.id}`;
  const hand = async (): Promise<Committed | null> => {
    // Checked only now, because on a second run the file of --out exists already.
    if (flags["if-absent"]) await requireDeliverable(flags.out);
    return commitAndHandOver(proposal, handOver, tell);
  };
  const committed = await hand().catch(async (error: unknown) => {
    if (flags["if-absent"] && error instanceof FileThereError && (await isMadeSoon(error.path, session, request)))
      return null;
    throw error;
  });
  if (committed === null) return output.done(`another run has just made this token of ${config.env}: nothing to do`);
  await session.remember(committed.manifest);
  renderCreated(token, { config, variable: delivery.variable, out: flags.out }, output);
  const json = delivery.jsonOf(token);
  if (json !== undefined) output.json(json);
  warnOfAuditFault(committed, config, output);
  handOver.confirm();
}

type WantedToken = Pick<TokenCreateRequest, "claims" | "ifAbsent">;

const LOOKS = 20;
const BETWEEN_LOOKS_MS = 500;
/** An older file does not belong to a run in progress. */
const UNDER_WAY_MS = 30_000;

/** Whether another run, which already has the file of `--out`, is creating the token. */
async function isMadeSoon(file: string, { ports, request }: Session, wanted: WantedToken): Promise<boolean> {
  const writtenMs = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (systemClock.nowMs() - writtenMs > UNDER_WAY_MS) return false;
  for (let look = 0; look < LOOKS; look++) {
    await setTimeout(BETWEEN_LOOKS_MS);
    using proposal = await proposeTokenCreate(ports, { ...request, ...wanted });
    proposal.plan.credential?.destroy();
    if (proposal.plan.credential === null) return true;
  }
  return false;
}
