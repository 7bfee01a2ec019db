// A gateway: a reverse proxy that signs each request for the origin behind it, which serves nothing else. Start it
// with a token of its own, beside where the vault's backends are:
//
//   vsync tokens create prod --name=gateway --no-secrets --permissions=api.gateway.sign,api.tokens.verify --out=gateway.token
//   VSYNC_CONFIG="$(cat gateway.token)" ORIGINS='{"api":"http://127.0.0.1:3000"}' node gateway.mjs
//
// Put your authentication where `contextOf` is: what it returns is signed, and the origin believes it.
import { createServer, request as send } from "node:http";
import { pipeline } from "node:stream";
import { createGateway, GatewayError } from "vsync/gateway";

const gateway = await createGateway();
const origins = new Map(Object.entries(JSON.parse(process.env.ORIGINS ?? "{}")).map(([id, url]) => [id, new URL(url)]));
/** These concern only one connection. */
const HOP = ["connection", "keep-alive", "transfer-encoding", "trailer", "upgrade"];

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(`${request.method} ${request.url}: ${error.message}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const [status, code] = error instanceof GatewayError ? [error.status, error.code] : [502, "bad_gateway"];
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(`${JSON.stringify({ error: code })}\n`);
  });
});
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  upgrade(request, socket, head).catch((error) => refuse(socket, error.status ?? 502));
});
server.listen(process.env.PORT ?? 8080, () => console.log(`gateway on port ${server.address().port}`));

async function serve(request, response) {
  let signed = await sign(request);
  let answer = await pass(request, signed);
  let settled = await gateway.settle(signed, answer.headers);
  if (settled.signAnew && signed.body !== null) {
    // The origin's clock or keys were behind: send it once more, freshly signed, with the same bytes.
    answer.resume();
    signed = await sign(request, signed.body);
    answer = await pass(request, signed);
    settled = await gateway.settle(signed, answer.headers);
  }
  if (settled.outcome !== "ok") console.error(`${request.method} ${request.url}: ${settled.reason}`);
  if (settled.status !== undefined) {
    answer.resume();
    response.writeHead(settled.status, { "content-type": "application/json" }).end('{"error":"bad_gateway"}\n');
    return;
  }
  const headers = Object.entries(settled.headers).filter(([name]) => !HOP.includes(name));
  response.writeHead(answer.statusCode, Object.fromEntries(headers));
  pipeline(answer, response, () => undefined);
}

function sign(request, body = (maxBytes) => read(request, maxBytes), isUpgrade = false) {
  const { method, url: target, headersDistinct: headers } = request;
  return gateway.sign({ method, target, headers, body, upgrade: isUpgrade, ...contextOf(request) });
}

/** Returns the user, as `{ context: { subject, claims } }`; none yet. */
function contextOf(_request) {
  return {};
}

/** One byte more than allowed is enough to refuse it. */
async function read(request, maxBytes) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(chunks);
}

/** Forwards what was signed byte for byte. An unsigned body is the client's own stream. */
function pass(request, signed) {
  return new Promise((resolve, reject) => {
    const passed = send(optionsOf(request, signed), resolve).on("error", reject);
    if (signed.body !== null) {
      passed.end(signed.body);
      return;
    }
    request.pipe(passed);
    request.on("close", () => request.complete || passed.destroy());
  });
}

function optionsOf({ method }, { backend, target: path, headers, body }) {
  const origin = origins.get(backend);
  if (origin === undefined) throw new Error(`ORIGINS does not say where ${backend} is`);
  // Without a length, Node.js would send a GET or DELETE body unframed, and the origin would read more requests out of
  // it.
  const framing = body === null && !headers["content-length"] ? { "transfer-encoding": "chunked" } : {};
  const sent = { ...headers, ...framing, host: origin.host };
  return { hostname: origin.hostname, port: origin.port, method, path, headers: sent };
}

async function upgrade(request, socket, head) {
  const passed = send(optionsOf(request, await sign(request, null, true)));
  passed.on("upgrade", ({ rawHeaders }, upstream, first) => {
    const lines = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    socket.write(first);
    upstream.write(head);
    socket.pipe(upstream).on("error", () => socket.destroy());
    upstream.pipe(socket).on("close", () => upstream.destroy());
  });
  socket.on("close", () => passed.destroy());
  passed.on("response", (answer) => refuse(socket, answer.statusCode));
  passed.on("error", () => refuse(socket, 502));
  passed.end();
}

function refuse(socket, status) {
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
