// An origin in Express 5 that serves only requests that came through its gateway (docs/backend.md). It needs the token of
// `vsync tokens create prod --name=api --backend=api --all-secrets` in VSYNC_CONFIG, and the routes below in the settings.
import express from "express";
import { initFromEnv } from "vsync/backend";

const backend = initFromEnv();
const app = express();
// Serves requests as they were signed: by default Express ignores case and a trailing slash.
app.enable("case sensitive routing").enable("strict routing");

// For the orchestrator, which does not come through the gateway.
app.get("/healthz", (_, response) => response.json(backend.health()));

app.use(backend.middleware());
app.use(express.json());

app.get("/v1/jobs/:id", backend.route("jobs.get"), (request, response) => {
  response.json({ id: request.params.id, for: request.vsync.context?.subject ?? null });
});
app.post("/v1/jobs", backend.route("jobs.create"), (request, response) => {
  // A gateway may try again: the same request id is the same job.
  response.status(201).json({ id: request.vsync.requestId, job: request.body });
});

const server = app.listen(process.env.PORT ?? 3000, () => console.log(`listening on ${server.address().port}`));
const { ok, ...found } = await backend.ready(app, server);
if (!ok) console.warn("vsync:", found);
process.once("SIGTERM", () => server.close(() => backend.shutdown()));
