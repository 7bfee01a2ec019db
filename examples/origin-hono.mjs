// An origin in Hono that serves only requests that came through its gateway (docs/backend.md), on Bun, Deno and Workers; for
// Node.js give it to `serve` of @hono/node-server. It needs the token of
// `vsync tokens create prod --name=api --backend=api --all-secrets` in VSYNC_CONFIG, and the routes below in the settings.
import { Hono } from "hono";
import { initFromEnv } from "vsync/backend";

const backend = initFromEnv();
const app = new Hono();

app.get("/v1/jobs/:id", (context) => {
  const { context: on } = context.req.raw.vsync;
  return context.json({ id: context.req.param("id"), for: on?.subject ?? null });
});
app.post("/v1/jobs", async (context) => {
  // A gateway may try again: the same request id is the same job.
  return context.json({ id: context.req.raw.vsync.requestId, job: await context.req.json() }, 201);
});

export default { fetch: backend.protect(app.fetch) };
