import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../transcripts/harness.ts";

const SCRIPT = join(import.meta.dirname, "../../scripts/release/install.sh");
const PROGRAM = "#!/bin/sh\necho vsync/9.9.9\n";
const TARGETS = ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl", "darwin-x64", "darwin-arm64"];

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox(["/bin/sh", SCRIPT]);
  for (const target of TARGETS) await sandbox.write(`release/vsync-9.9.9-${target}`, PROGRAM);
  const digest = createHash("sha256").update(PROGRAM).digest("hex");
  await sandbox.write("release/SHA256SUMS", TARGETS.map((target) => `${digest}  vsync-9.9.9-${target}\n`).join(""));
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const release = (): string => join(sandbox.folder, "release");
const installed = (): string => join(sandbox.home, ".local/bin/vsync");
const missing = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    () => true,
  );

test("the binary of this machine, executable, from a folder", async () => {
  const { stdout, stderr, exitCode } = await sandbox.run([`--from=${release()}`]);
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  expect(stderr).toMatch(/^installed vsync-9\.9\.9-\w+-\w+ as .*\/\.local\/bin\/vsync\n$/);
  expect(await readFile(installed(), "utf8")).toBe(PROGRAM);
  expect((await stat(installed())).mode & 0o777).toBe(0o755);
});

test("from a server, into a folder that is named, over an older one", async () => {
  const server = createServer((request, response) => {
    createReadStream(join(release(), request.url ?? ""))
      .on("error", () => response.writeHead(404).end())
      .pipe(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await sandbox.write("bin/vsync", "old", 0o755);
  const args = [`--from=http://127.0.0.1:${port}/`, `--to=${join(sandbox.folder, "bin")}`];
  expect((await sandbox.run(args)).exitCode).toBe(0);
  expect(await readFile(join(sandbox.folder, "bin/vsync"), "utf8")).toBe(PROGRAM);
  server.close();
});

test("a binary that was tampered with is refused, and nothing is installed", async () => {
  for (const target of TARGETS) await sandbox.write(`release/vsync-9.9.9-${target}`, `${PROGRAM}# tampered\n`);
  const { stderr, exitCode } = await sandbox.run([`--from=${release()}`]);
  expect(stderr).toMatch(/^install: error: vsync-\S+ is not the file that SHA256SUMS names: nothing was installed\n$/);
  expect(exitCode).toBe(1);
  expect(await missing(installed())).toBe(true);
});

test("checksums other than those that were announced are refused", async () => {
  const sums = createHash("sha256")
    .update(await readFile(join(release(), "SHA256SUMS")))
    .digest("hex");
  const other = await sandbox.run([`--from=${release()}`, `--sums=${"0".repeat(64)}`]);
  expect(other.stderr).toBe("install: error: SHA256SUMS is not the one that --sums names: nothing was installed\n");
  expect(await missing(installed())).toBe(true);
  expect((await sandbox.run([`--from=${release()}`, `--sums=${sums}`])).exitCode).toBe(0);
});

test.each([
  [[], "missing --from=<URL or folder of the release>"],
  [["--from=http://example.com"], "only https:// is fetched from"],
  [["--from=/nowhere/at/all"], "cannot read /nowhere/at/all/SHA256SUMS"],
])("%j: %s", async (args, reason) => {
  const { stderr, exitCode } = await sandbox.run(args);
  expect(stderr).toContain(`install: error: ${reason}\n`);
  expect(exitCode).toBe(1);
  expect(await missing(installed())).toBe(true);
});
