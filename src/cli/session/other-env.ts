import { Flags, type Given } from "../command/flags.ts";
import { isSetIn, PASSPHRASE, type SecretInput, type SecretSources } from "../inputs/secret-input.ts";
import type { Use } from "../project/which-vault.ts";
import { configOf } from "./config.ts";
import { type Session, type SessionInput, sessionOn } from "./session.ts";

const FLAG = "other-passphrase-file";
const VARIABLE = "VSYNC_OTHER_PASSPHRASE";

/** For commands about two envs: the passphrase of the second, if it differs. */
export const OTHER_PASSPHRASE_FLAG = {
  [FLAG]: Flags.string({
    description: `file with the second env's passphrase, - for stdin (default: ${VARIABLE}(_FILE), else the first env's)`,
    helpValue: "<file>",
  }),
} as const;

export type OtherFlags = Given<typeof OTHER_PASSPHRASE_FLAG>;

/** Opens another env of the same repo. If no separate passphrase is given, it takes the first env's. */
export async function openOther(
  env: string,
  { flags }: { readonly flags: SessionInput["flags"] & OtherFlags },
  sources: SecretSources,
  use: Use,
): Promise<Session> {
  const { env: _first, ...rest } = flags;
  const config = await configOf({ flags: { ...rest, env } }, sources, use);
  const file = flags[FLAG];
  const hasOwn = file !== undefined || isSetIn(sources.variables, { variable: VARIABLE });
  const question = `Passphrase of ${env}:`;
  if (!hasOwn) return sessionOn(config, flags, sources, { ...PASSPHRASE, question }, { mayBeKept: true });
  const own: SecretInput = { what: `the passphrase of ${env}`, flag: FLAG, variable: VARIABLE, question };
  return sessionOn(config, { ...flags, "passphrase-file": file }, sources, own);
}
