// A small server that decides for a tunnel engine: may the bearer of this access token do that? It needs a token that may
// verify others, in VSYNC_CONFIG or VSYNC_TOKEN:
//   vsync tokens create prod --name=broker --no-secrets --permissions=api.tokens.verify
//
//   POST /authorize
//   Authorization: Bearer <access token>
//   {"root":"tunnels","operation":"create","project":"project-id","properties":{"protocol":"http"}}
//
// The answer is 200 with {"allowed":true, …} or {"allowed":false, "layer", "reason"}; 401 if the access token does not hold.
import { createServer } from "node:http";
import { Vsync } from "vsync";
import { AccessTokenError, createTokenVerifier } from "vsync/tokens";

const MAX_BODY_BYTES = 64 * 1024;
const { BROKER_AUDIENCE = "https://tunnels.example", PORT = "8080" } = process.env;

const vault = await Vsync.open();
const verifier = createTokenVerifier({ vault, audience: BROKER_AUDIENCE });

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, json }) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json)),
    (error) => {
      // A broker that cannot decide must deny.
      console.error(error);
      response.writeHead(503).end();
    },
  );
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => server.close(() => void vault.close()));

async function answer(request) {
  if (request.method !== "POST" || request.url !== "/authorize") return { status: 404, json: {} };
  const [, jwt] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
  if (jwt === undefined) return { status: 401, json: { reason: "missing" } };
  const asked = await jsonOf(request);
  if (asked === null) return { status: 400, json: {} };
  try {
    const authority = await verifier.verify(jwt);
    return { status: 200, json: authority.authorize(asked) };
  } catch (error) {
    if (error instanceof AccessTokenError) return { status: 401, json: { reason: error.reason } };
    throw error;
  }
}

async function jsonOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  try {
    const value = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
