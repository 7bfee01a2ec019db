import { Gateway } from "../../backend/gateway/gateway.ts";
import { type GatewayView, gatewayViewOf, Views } from "../../backend/views.ts";
import { systemClock, systemRandom } from "../../stores/open-store.ts";
import type { TokenSnapshot } from "../../tokens/snapshot.ts";
import { readOperatorSnapshot } from "../../vault/tokens/gateway-keys.ts";
import type { Session } from "../session/session.ts";

/** What a gateway knows, read with the passphrase, so an operator can try one out without a token. */
export function readOperatorView(session: Session): Promise<TokenSnapshot> {
  return readOperatorSnapshot(session.ports, session.request);
}

/** A gateway for development that signs as the vault's own gateway would. It reads the vault again every minute. */
export async function operatorGateway(session: Session): Promise<{ gateway: Gateway; view: GatewayView }> {
  const source = { openedToken: null, readToken: () => readOperatorView(session) };
  const views = new Views(source, gatewayViewOf, { clock: systemClock, maxStaleMinutes: () => 60 });
  const view = await views.get();
  const random = (bytes: number): Uint8Array => systemRandom.bytes(bytes);
  return { gateway: new Gateway({ views, recorder: null, clock: systemClock, random }), view };
}
