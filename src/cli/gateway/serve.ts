import { once } from "node:events";
import type { Server } from "node:http";
import { codeOf } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import { systemRandom } from "../../stores/open-store.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import { addressOf, devCoreServer } from "./dev-core.ts";
import { operatorGateway, readOperatorView } from "./operator-gateway.ts";
import { proxyServer } from "./proxy.ts";

export interface ServeInput extends SessionInput {
  readonly flags: SessionInput["flags"] & { readonly port: number };
}

/** Serves until a signal ends the program. */
export async function serveDevGateway(input: ServeInput, given: string, sources: SecretSources): Promise<void> {
  const to = originOf(given);
  const { output } = sources;
  using session = await openSession(input, sources, { use: "names" });
  const { gateway, view } = await operatorGateway(session);
  const server = proxyServer({ gateway, to, log: (line) => output.say(line) });
  await listening(server, input.flags.port);
  output.line(`http://${addressOf(server)}`);
  output.say(`signs for ${view.backends.map(({ id }) => id).join(", ") || "no backend"} and forwards to ${to.origin}`);
  sources.prompter.speakUp();
  await once(server, "close");
}

const TOKEN_BYTES = 24;

/** Serves until a signal ends the program. */
export async function serveDevCore(
  input: ServeInput,
  { backend }: { readonly backend?: string | undefined },
  sources: SecretSources,
): Promise<void> {
  const { output } = sources;
  using session = await openSession(input, sources, { use: "names" });
  const token = `fsrt_test_${Buffer.from(systemRandom.bytes(TOKEN_BYTES)).toString("base64url")}`;
  const server = devCoreServer({ read: () => readOperatorView(session), backend, token });
  await readOperatorView(session);
  await listening(server, input.flags.port);
  output.line(`FS_CORE_URL=http://${addressOf(server)}`);
  output.line(`FS_RUNTIME_TOKEN=${token}`);
  output.say("set both for the origin; the backend's profile has to be x-fs");
  sources.prompter.speakUp();
  await once(server, "close");
}

/**
 * Listens on loopback only, because origins trust what it signs.
 *
 * @throws InputError the port is taken, or not allowed
 */
async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    throw new InputError(`port ${port} cannot be used (${codeOf(error)})`, {
      hint: "choose another with --port=<port>",
    });
  }
}

/**
 * @throws InputError it is not the URL of a server
 */
function originOf(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url?.protocol === "http:" && url.pathname === "/" && url.search === "") return url;
  throw new InputError("--to must be an http URL without a path", { hint: "as in --to=http://localhost:3000" });
}
