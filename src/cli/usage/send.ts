import { InputError } from "../../errors.ts";
import { UsageSpool } from "../../runtime/usage/usage-spool.ts";
import { Vsync } from "../../runtime/vsync.ts";
import { systemClock } from "../../stores/open-store.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type ConsentFlags, consentTo, counted, requireConsent } from "../terminal/consent.ts";

/**
 * Sends the usage that killed processes of a token left on this machine.
 *
 * @throws what opening the vault with the token throws, and what the store throws; the usage then stays
 */
export async function sendLeft({ variables, output }: SecretSources): Promise<void> {
  const logger = { warn: (_: object, message: string) => output.warn(message.replace(/^vsync: /, "")) };
  await using vault = await Vsync.open({ env: variables, logger });
  const spool = variables["VSYNC_USAGE_SPOOL"];
  const { recorder, writer } = await vault.openUsage({ spool, warn: (message) => output.warn(message) });
  const events = recorder.waiting;
  await recorder.flush();
  output.done(`Sent ${counted(events, "event", "events")} that apps with ${writer.id} left on this machine`);
}

/**
 * Removes a token's leftover usage, once the token has ended and nobody can send it.
 *
 * @throws InputError not the id of a token, or not confirmed
 */
export async function dropLeft(token: string, flags: ConsentFlags, sources: SecretSources): Promise<void> {
  const { variables, output, prompter } = sources;
  if (!/^tok_[0-9a-f]{32}$/.test(token)) {
    // Not quoted, because it may be the token itself.
    throw new InputError("--drop is not the id of a token", {
      hint: "an app's warning names it: tok_ and 32 hex digits",
    });
  }
  const what = `the usage that apps with ${token} left on this machine, unsent`;
  await requireConsent(consentTo({ env: token }, "remove", what), flags, prompter);
  const folder = variables["VSYNC_USAGE_SPOOL"] || undefined;
  const key = new Uint8Array(32);
  const spool = new UsageSpool({ folder, token, key, clock: systemClock, warn: (message) => output.warn(message) });
  const files = await spool.dropLeft();
  output.done(`Removed ${counted(files, "file", "files")} with usage that apps with ${token} left on this machine`);
}
