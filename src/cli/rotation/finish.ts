import type { Committed } from "../../vault/commit/commit.ts";
import { type FinishRequest, finishRotation } from "../../vault/finish.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { openSession, remember, type Session, type SessionInput } from "../session/session.ts";
import { rehearse } from "./rehearsal.ts";
import { refuseOutstanding, renderFinished, slotsOf } from "./render-rotation.ts";

interface FinishInput extends SessionInput {
  readonly flags: SessionInput["flags"] & { readonly "dry-run"?: boolean | undefined };
}

/**
 * Ends the grace window now, with the passphrase that the rotation set. Where there is none, there is nothing to do.
 *
 * @throws AuditOutstandingError the window is ended, the audit row is not written
 * @throws what `finishRotation` throws
 */
export async function finishVaultRotation(input: FinishInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  using session = await openSession(input, sources);
  if (flags["dry-run"]) return await rehearseFinish(session, sources);
  const committed = await commitFinish(session, sources);
  refuseOutstanding(committed, vaultFlagsOf(session.config.env, flags));
}

async function commitFinish({ config, ports, request }: Session, { output }: SecretSources): Promise<Committed | null> {
  const finished = await finishRotation(ports, request);
  if (finished === null) {
    output.done(`No grace window is open in ${config.env}: nothing to finish`);
    return null;
  }
  renderFinished(finished, config.env, output);
  await remember(config, finished.committed.manifest, (text) => output.warn(text));
  return finished.committed;
}

async function rehearseFinish({ ports, request }: Session, { output }: SecretSources): Promise<void> {
  const confirm: FinishRequest["confirm"] = async (dropped) => {
    output.say(`would end the grace window of ${slotsOf(dropped)}`);
    return true;
  };
  await rehearse(ports, (watched) => finishRotation(watched, { ...request, confirm }), output);
}
