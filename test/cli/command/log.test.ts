import { afterEach, beforeEach, expect, test } from "vitest";
import { startLog } from "../../../src/cli/command/log.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { text } from "../../contract/fixture.ts";
import { openAt } from "../../s3/fixture.ts";
import { type StrictS3, startStrictS3 } from "../../support/strict-s3/server.ts";

const LEVELS = { warn: 40, debug: 20 };

let server: StrictS3;
beforeEach(async () => {
  server = await startStrictS3();
});
afterEach(() => server.close());

/** Logs at this level what a read does that the server turns away once; then reads again, without the log. */
async function logged(level: string): Promise<readonly object[]> {
  const store = openAt(server, {}, { sleep: async () => {} });
  await store.create("there", text("here"));
  const lines: string[] = [];
  const stderr = { write: (line: string | Uint8Array) => lines.push(String(line)) };
  using log = startLog(level, new Output({ write: () => {} }, stderr, {}));
  server.faults.add({ method: "GET" }, { kind: "answer", apply: false, status: 503, code: "SlowDown" }, 1);
  await store.get("there", { maxBytes: 10 });
  log[Symbol.dispose]();
  await store.get("there", { maxBytes: 10 });
  return lines.map((line) => JSON.parse(line));
}

test("debug tells of each request and of each wait before another try", async () => {
  const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\S+there$/);
  const request = { level: LEVELS.debug, method: "GET", url, ms: expect.any(Number), msg: "request" };
  const reason = expect.stringMatching(/^cannot read s3:\/\/\S+there: .*503 SlowDown/);
  expect(await logged("debug")).toMatchObject([
    { ...request, status: 503 },
    { level: LEVELS.warn, waitMs: expect.any(Number), reason, msg: "trying again" },
    { ...request, status: 200, requestId: "0" },
  ]);
});

test("warn tells of the waits only", async () => {
  expect(await logged("warn")).toMatchObject([{ level: LEVELS.warn, msg: "trying again" }]);
});

test("a line has no byte that a terminal would act on", () => {
  let written = "";
  const stderr = { write: (line: string | Uint8Array) => void (written += line) };
  using log = startLog("info", new Output({ write: () => {} }, stderr, {}));
  log.info({ name: "\u001b[2J\u009b\u202e\n" }, "started");
  expect(written).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(written)).toMatchObject({ name: "\u001b[2J\u009b\u202e\n" });
});
