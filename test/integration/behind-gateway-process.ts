import { open } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createGateway } from "../../src/backend/gateway/create.ts";
import { initFromEnv } from "../../src/backend/init.ts";
import { proxyServer } from "../../src/cli/gateway/proxy.ts";

/*
 * An origin, or with a URL as its argument the gateway in front of it, as a process of its own. It says which port it has. Its
 * clock stands still; each message sets it.
 */

let nowMs = Number(process.env["NOW_MS"]);
const clock = { nowMs: (): number => nowMs };
process.on("message", (ms: number) => {
  nowMs = ms;
  process.send?.(ms);
});
process.on("disconnect", () => process.exit());

const to = process.argv[2];
const server =
  to === undefined ? origin() : proxyServer({ gateway: await createGateway({ clock }), to: new URL(to), log });
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));

function origin(): Server {
  const folder = process.env["CLAIMS"];
  const backend = initFromEnv({ clock, ...(folder === undefined ? {} : { replay: { claim: claimIn(folder) } }) });
  const verify = backend.middleware();
  return createServer(
    (request, response: ServerResponse) => void verify(request, response, () => response.end("served")),
  );
}

/** A store that all processes share: the process that creates the file was first. */
function claimIn(folder: string): (key: string) => Promise<boolean> {
  return async (key) => {
    try {
      await (await open(join(folder, Buffer.from(key).toString("hex")), "wx")).close();
      return true;
    } catch {
      return false;
    }
  };
}

function log(line: string): void {
  if (!/ 200 /.test(line)) console.error(line);
}
