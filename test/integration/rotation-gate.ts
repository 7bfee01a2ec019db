import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";

/** Where a client is held for ever: before its request reaches the server, or after the server has responded. */
export interface Stop {
  /** The request's number, from 0, or how the request starts, as in `PUT manifest`. */
  readonly at: number | string;
  readonly when: "before" | "after";
}

export interface Gate extends AsyncDisposable {
  /** The server's address through the gate. */
  readonly endpoint: string;
  /** The method and the last part of the key of each request since the gate was set. */
  readonly passed: string[];
  /** Resolves as soon as a client is held. */
  stopAt(stop: Stop): Promise<void>;
  /** Lets everything through again. */
  open(): void;
  close(): Promise<void>;
}

/** `PUT manifest` for the vault `api/prod`, `PUT live/manifest` for another env. */
function nameOf(method: string | undefined, { pathname, searchParams }: URL): string {
  const path = decodeURIComponent(pathname);
  const key = path.split("/api/prod/")[1] ?? path.split("/api/")[1];
  return searchParams.has("list-type") ? "LIST rows" : `${method} ${key}`;
}

/** A proxy in front of an S3 server. The signed Host header goes through as it is, or no signature would hold. */
export async function openGate(target: string): Promise<Gate> {
  let stop: (Stop & { readonly reached: () => void }) | undefined;
  const passed: string[] = [];
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bytesOf(incoming);
    const name = nameOf(incoming.method, new URL(incoming.url ?? "/", target));
    const at = passed.push(name) - 1;
    const isStop = typeof stop?.at === "string" ? name.startsWith(stop.at) : stop?.at === at;
    if (isStop && stop?.when === "before") return stop.reached();
    const answer = await forward(target, incoming, body);
    if (isStop) return stop?.reached();
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  };
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    passed,
    stopAt({ at, when }) {
      passed.length = 0;
      return new Promise((reached) => (stop = { at, when, reached }));
    },
    open() {
      stop = undefined;
      passed.length = 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function forward(target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  const { expect: _, ...kept } = headers;
  return new Promise((resolve, reject) => {
    const options = { ...(method === undefined ? {} : { method }), headers: kept, agent: false };
    const outgoing = request(new URL(url ?? "/", target), options, (answer) => {
      bytesOf(answer).then(
        (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }),
        reject,
      );
    });
    outgoing.once("error", reject).end(body);
  });
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
