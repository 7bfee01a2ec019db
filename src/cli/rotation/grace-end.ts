import type { Committed } from "../../vault/commit.ts";
import { type FinishRequest, finishRotation } from "../../vault/finish.ts";
import { type MetaPair, metaOf } from "../inputs/meta-flag.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { vaultFlagsOf } from "../program/vault-flags.ts";
import { openSession, remember, type Session, type SessionInput } from "../session.ts";
import { rehearse } from "./rehearsal.ts";
import { refuseOutstanding, renderFinished, slotsOf } from "./render-rotation.ts";

interface GraceEndInput extends SessionInput {
  readonly flags: SessionInput["flags"] & {
    readonly "dry-run"?: boolean | undefined;
    readonly meta?: readonly MetaPair[] | undefined;
  };
}

/**
 * Ends the grace window now, with the passphrase that the rotation set. Where there is none, there is nothing to do.
 *
 * @throws AuditOutstandingError the window is ended, the audit row is not written
 * @throws what `finishRotation` throws
 */
export async function endGrace(input: GraceEndInput, sources: SecretSources): Promise<void> {
  const meta = metaOf(input.flags.meta);
  const session = await openSession(input, sources);
  const { annotation } = session.request;
  const request = { ...session.request, annotation: { ...annotation, meta } };
  try {
    if (input.flags["dry-run"]) await rehearseIt(session, request, sources);
    else refuseOutstanding(await commitIt(session, request, sources), vaultFlagsOf(session.config.env, input.flags));
  } finally {
    session.request.passphrase.destroy();
  }
}

async function commitIt(
  session: Session,
  request: FinishRequest,
  { output }: SecretSources,
): Promise<Committed | null> {
  const { env } = session.config;
  const finished = await finishRotation(session.ports, request);
  if (finished === null) {
    output.done(`No grace window is open in ${env}: nothing to finish`);
    return null;
  }
  renderFinished(finished, env, output);
  await remember(session.config, finished.committed.manifest, (text) => output.warn(text));
  return finished.committed;
}

async function rehearseIt(session: Session, request: FinishRequest, { output }: SecretSources): Promise<void> {
  const confirm: FinishRequest["confirm"] = async (dropped) => {
    output.say(`would end the grace window of ${slotsOf(dropped)}`);
    return true;
  };
  await rehearse(session.ports, (ports) => finishRotation(ports, { ...request, confirm }), output);
}
