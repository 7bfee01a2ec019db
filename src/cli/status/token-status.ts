import type { RuntimeToken } from "../../blob/token.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findCredential } from "../inputs/token-input.ts";
import { describeToken } from "../session/describe-token.ts";
import { type OpenedByToken, openAlone } from "../session/token-alone.ts";
import type { Output } from "../terminal/output.ts";
import type { StatusInput } from "./local-status.ts";

/** What an app's host knows of its vault: the token in `VSYNC_CONFIG`, and with `--remote` what that opens. */
export interface TokenStatus {
  readonly env: string;
  /** Fields as `vsync inspect` shows them, secrets masked. */
  readonly token: Readonly<Record<string, string | number | true>>;
  readonly remote?: {
    readonly gen: number;
    readonly at: string;
    readonly names: readonly string[];
    readonly expiresAt?: string;
  };
}

/**
 * @throws with `--remote`, what `openAlone` throws
 */
export async function tokenStatus(
  token: RuntimeToken,
  input: StatusInput,
  sources: SecretSources,
): Promise<TokenStatus> {
  const apart = await findCredential(sources);
  const whole = apart === null ? token : { ...token, token: apart.exposeText() };
  const local = { env: token.env, token: await describeToken(whole) };
  return input.flags.remote ? { ...local, remote: remoteOf(await openAlone(token, input, sources)) } : local;
}

function remoteOf({ manifest: { gen, at }, names, claims }: OpenedByToken): NonNullable<TokenStatus["remote"]> {
  const end = claims?.not_after;
  return { gen, at, names, ...(end === undefined ? {} : { expiresAt: end }) };
}

export function renderTokenStatus({ env, token, remote }: TokenStatus, output: Output): void {
  const { endpoint, bucket, prefix, accessKeyId, credentials, vault, minGen, tokenId, lastFour, kind } = token;
  const fields = {
    env,
    store: `${endpoint}/${bucket}/${prefix}`,
    credentials: accessKeyId ?? credentials ?? "none",
    vault: vault ?? "unknown",
    "not older than": `generation ${minGen ?? 0}`,
    "opened by": tokenId === undefined ? "the passphrase" : `scoped token ${tokenId} (\u2026${lastFour}, ${kind})`,
    ...(remote === undefined ? {} : { "in the store": `generation ${remote.gen}, ${remote.at}` }),
    ...(remote === undefined ? {} : { reads: remote.names.join(", ") || "nothing" }),
    ...(remote?.expiresAt === undefined ? {} : { ends: remote.expiresAt }),
    config: "none on this machine: VSYNC_CONFIG has everything",
  };
  output.fields(fields);
}
