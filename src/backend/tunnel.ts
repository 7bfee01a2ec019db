import { InputError } from "../errors.ts";
import type { OriginView } from "./views.ts";

/** The program that connects this origin to its gateway, for a backend whose transport is `tunnel`. */
export interface TunnelOptions {
  /** Program and arguments, without a shell: `["cloudflared", "tunnel", "run"]`. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Default: the environment of this process. vsync's own variables are removed from either. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** `waiting`: it has ended and will be restarted soon. */
export type TunnelStatus = "running" | "waiting" | "stopped";

/** The tunnel's program. */
export interface TunnelProgram {
  readonly status: TunnelStatus;
  /**
   * Resolves once it runs.
   *
   * @throws InputError it cannot be started
   */
  start(): Promise<void>;
  /** Resolves once it has ended. */
  stop(): Promise<void>;
}

/**
 * Whether the backend's transport is a tunnel that this token may open.
 *
 * @throws InputError it is a tunnel, but no program is named or the token lacks the capability `tunnel`
 */
export function wantsTunnel(
  { backend, capabilities, tokenId }: OriginView,
  options: TunnelOptions | undefined,
): options is TunnelOptions {
  if (backend.transportMode !== "tunnel") return false;
  if (!capabilities.includes("tunnel")) {
    throw new InputError(`the token ${tokenId} lacks the capability tunnel, which the backend ${backend.id} needs`, {
      hint: "give it to the token with `vsync tokens update --capabilities=…,tunnel`",
    });
  }
  if (options !== undefined) return true;
  throw new InputError(`the backend ${backend.id} has the transport tunnel, but no program is named for it`, {
    hint: 'as in backend.start({ command: ["cloudflared", "tunnel", "run"] })',
  });
}
