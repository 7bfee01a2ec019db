import type { ProfileName } from "../signed/profiles.ts";
import type { GatewayKey } from "./gateway-keys.ts";
import type { Route } from "./routes.ts";

/** What an origin verifies against: the vault at one generation, as the origin's token sees it. */
export interface OriginView {
  /** The vault's id. */
  readonly vault: string;
  /** The origin's backend. */
  readonly backend: string;
  readonly profile: ProfileName;
  /** How long a signed request is good for, 10…300. Profile `x-fs` has its own window. */
  readonly maxAgeSeconds: number;
  readonly keys: readonly GatewayKey[];
  /** The backend's; absent: it declares none. */
  readonly routes?: readonly Route[];
  /** The `routes` of the origin's token. */
  readonly allowed?: readonly string[];
}
