import { join } from "node:path";
import { expect, test } from "vitest";
import { runModule } from "../runtime/program.ts";

const ENTRY = join(import.meta.dirname, "../../dist/library/backend-testing.js");

test("vsync/backend verifies by WebCrypto without a process, as in a Worker", async () => {
  const program = `
    const { log } = console;
    delete globalThis.process;
    const { createTestBackend, signRequest } = await import(${JSON.stringify(ENTRY)});
    const job = { method: "POST", target: "/v1/jobs", headers: { "content-type": "text/plain" }, body: "a job" };
    for (const profile of ["rfc9421", "x-fs"]) {
      const routes = [{ id: "jobs.create", method: "POST", path: "/v1/jobs" }];
      const backend = createTestBackend({ profile, routes });
      const fetch = backend.protect(async (request) => new Response(request.vsync.routeId + " " + (await request.text())));
      const headers = { ...job.headers, ...(await signRequest(backend, job)) };
      const send = () => fetch(new Request("http://origin" + job.target, { ...job, headers }));
      for (const answer of [await send(), await send()]) log(answer.status, await answer.text());
    }
  `;
  const { stdout, stderr, status } = await runModule(program, {});
  const once = '200 jobs.create a job\n401 {"error":"replayed_nonce"}\n';
  expect({ stdout, stderr, status }).toEqual({ stdout: once + once, stderr: "", status: 0 });
});
