import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { createServer as createTlsServer } from "node:tls";

export interface Running extends AsyncDisposable {
  readonly port: number;
}

export interface Proxy extends Running {
  /** `CONNECT host:port` and `GET http://…`, as they came. */
  readonly asked: readonly string[];
}

/** An HTTP proxy on loopback, which wants `credentials` (`user:password`) if there are any. */
export async function startProxy(credentials?: string): Promise<Proxy> {
  const asked: string[] = [];
  const isWelcome = ({ headers }: IncomingMessage): boolean =>
    credentials === undefined ||
    headers["proxy-authorization"] === `Basic ${Buffer.from(credentials).toString("base64")}`;
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (!isWelcome(incoming)) return void outgoing.writeHead(407).end();
    const { host, port, pathname, search } = new URL(incoming.url ?? "");
    const { method, headers } = incoming;
    const onward = request({ host: host.split(":")[0], port, method, headers, path: pathname + search }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, outgoing, () => undefined);
    });
    onward.on("error", () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  server.on("connect", (incoming: IncomingMessage, client: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (!isWelcome(incoming)) return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    // Names that do not resolve here are this machine's, as if the proxy knew them.
    tie(client, Number(incoming.url?.split(":")[1]), () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
  });
  return { asked, ...(await listening(server)) };
}

export interface TlsFront extends Running {
  /** The certificate, in PEM. */
  readonly certificate: string;
}

/** TLS in front of a port, with a new certificate for `store.example.test` and 127.0.0.1 that signs itself. */
export async function startTlsFront(port: number): Promise<TlsFront> {
  const folder = mkdtempSync(join(tmpdir(), "vsync-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = ["-addext", "subjectAltName=DNS:store.example.test,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", ...kind, "-subj", "/CN=test", ...names, ...files], { stdio: "ignore" });
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  const server = createTlsServer(pair, (client) => tie(client, port));
  server.on("tlsClientError", () => undefined);
  return { certificate: pair.cert.toString(), ...(await listening(server)) };
}

function tie(client: Socket, port: number, onConnected = (): unknown => undefined): void {
  const server = connect(port, "127.0.0.1", onConnected);
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}

async function listening(server: Server | NetServer): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
