import { InputError } from "../../errors.ts";
import { type Environment, Vsync } from "../../runtime/index.ts";
import type { TokenSource } from "../../tokens/snapshot.ts";
import { nowMs } from "../../tokens/system-clock.ts";
import { type GatewayView, gatewayViewOf, Views } from "../views.ts";
import { Gateway } from "./gateway.ts";

export interface GatewayOptions {
  /** Where to find `VSYNC_CONFIG` and `VSYNC_TOKEN`. Default: the environment of the process. */
  readonly env?: Environment;
  /** An open vault to ask instead, or another source of what its token is told. */
  readonly vault?: TokenSource;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly clock?: { nowMs(): number };
}

/**
 * A gateway of the vault that `VSYNC_CONFIG` names. It reads the vault every minute, so new keys, routes and
 * revocations need no restart. While the vault does not respond, it keeps working for `maxStaleMinutes`.
 *
 * @throws ConfigInvalidError the token may not sign as the gateway, or the vault has no key for it
 * @throws what `Vsync.open` throws
 */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { env, clock = { nowMs }, vault = await Vsync.open(env === undefined ? {} : { env }) } = options;
  if (vault instanceof Vsync && vault.token === undefined)
    throw new InputError("a gateway needs a token of its own", {
      hint: "create one with `vsync tokens create --name=gateway --no-secrets --permissions=api.gateway.sign,api.tokens.verify`",
    });
  const views = new Views(vault, gatewayViewOf, { clock, maxStaleMinutes });
  const { usageKey } = await views.get();
  const recorder = usageKey === undefined || !(vault instanceof Vsync) ? null : (await vault.openUsage()).recorder;
  return new Gateway({ views, recorder, clock, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) });
}

/** The longest limit of any backend: each origin enforces its own. */
function maxStaleMinutes({ backends }: GatewayView): number {
  return Math.max(60, ...backends.map((backend) => backend.maxStaleMinutes));
}
