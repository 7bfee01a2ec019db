import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openSandbox, type Sandbox } from "../support/program/sandbox.ts";

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

test("installs this machine's binary from a folder, executable", async () => {
  const { stdout, stderr, exitCode } = await sandbox.run([`--from=${release()}`]);
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  expect(stderr).toMatch(
    /^installed vsync-9\.9\.9-\w+-\w+ as .*\/\.local\/bin\/vsync\ninstall: .*\/\.local\/bin is not in PATH\n$/,
  );
  expect(await readFile(installed(), "utf8")).toBe(PROGRAM);
  expect((await stat(installed())).mode & 0o777).toBe(0o755);
});

/** Serves the release until the test ends. */
async function serve(answer = sendFile): Promise<string> {
  const server = createServer((request, response) => answer(request.url ?? "", response)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function sendFile(name: string, response: ServerResponse): void {
  createReadStream(join(release(), name))
    .on("error", () => response.writeHead(404).end())
    .pipe(response);
}

/** Without this, wget tries twenty times. */
const wgetrc = (): Promise<string> => sandbox.write("wgetrc", "tries = 1\n");

/** A PATH with the script's basic tools and the named ones, and nothing else. */
async function pathWith(...names: string[]): Promise<string> {
  const words = "uname ls grep head cut sed awk sha256sum mktemp rm cp mv chmod mkdir".split(" ");
  for (const name of [...words, ...names]) {
    const link = await sandbox.write(`path/${name}`, `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`, 0o755);
    expect(link).toContain(name);
  }
  return join(sandbox.folder, "path");
}

test("installs from a server into a given folder, over an older version", async () => {
  await sandbox.write("bin/vsync", "old", 0o755);
  const args = [`--from=${await serve()}`, `--to=${join(sandbox.folder, "bin")}`];
  expect((await sandbox.run(args)).exitCode).toBe(0);
  expect(await readFile(join(sandbox.folder, "bin/vsync"), "utf8")).toBe(PROGRAM);
});

describe.each(["curl", "wget"])("with only %s", (tool) => {
  const isMissing = spawnSync(tool, ["--version"]).error !== undefined;
  if (isMissing) process.stderr.write(`the install script is not tried with ${tool}: it is missing here\n`);

  test.skipIf(isMissing)("installs from a server", async () => {
    const args = [`--from=${await serve()}`];
    expect(await sandbox.run(args, { env: { PATH: await pathWith(tool) } })).toMatchObject({ exitCode: 0 });
    expect(await readFile(installed(), "utf8")).toBe(PROGRAM);
  });

  test.skipIf(isMissing)("does not follow a redirect to http://", async () => {
    const other = await serve();
    const url = await serve((name, response) =>
      response.writeHead(302, { location: `${other}${name.slice(1)}` }).end(),
    );
    const env = { PATH: await pathWith(tool), ...(tool === "wget" ? { WGETRC: await wgetrc() } : {}) };
    const { stderr, exitCode } = await sandbox.run([`--from=${url}`], { env });
    expect(stderr).toMatch(/install: error: cannot fetch \S+: nothing was installed\n$/);
    expect(exitCode).toBe(1);
    expect(await missing(installed())).toBe(true);
  });

  test.skipIf(isMissing)("keeps the older version if a download breaks off", async () => {
    const older = await sandbox.write("home/.local/bin/vsync", "older", 0o755);
    const url = await serve((name, response) => {
      if (name === "/SHA256SUMS") return sendFile(name, response);
      response.writeHead(200, { "content-length": PROGRAM.length }).write(PROGRAM.slice(0, 9));
      setImmediate(() => response.destroy());
    });
    const env = { PATH: await pathWith(tool), ...(tool === "wget" ? { WGETRC: await wgetrc() } : {}) };
    const { stderr, exitCode } = await sandbox.run([`--from=${url}`], { env });
    expect(stderr).toMatch(/install: error: cannot fetch \S+: nothing was installed\n$/);
    expect(exitCode).toBe(1);
    expect(await readFile(older, "utf8")).toBe("older");
    expect(await readdir(join(sandbox.home, ".local/bin"))).toEqual(["vsync"]);
  });
});

test("names curl and wget if both are missing", async () => {
  const { stderr } = await sandbox.run([`--from=${await serve()}`], { env: { PATH: await pathWith() } });
  expect(stderr).toContain("install: error: there is neither curl nor wget: fetch the release by other means");
});

test("uses no wget that cannot be kept from http://", async () => {
  const PATH = await pathWith();
  await sandbox.write("path/wget", "#!/bin/sh\necho 'BusyBox wget: -O FILE'\n", 0o755);
  const { stderr, exitCode } = await sandbox.run([`--from=${await serve()}`], { env: { PATH } });
  expect(stderr).toContain("install: error: this wget may follow a redirect to http://: install curl");
  expect(exitCode).toBe(1);
});

test.each([
  ["Linux", "riscv64", "vsync has no binary for riscv64"],
  ["SunOS", "x86_64", "vsync has no binary for SunOS"],
])("on %s with %s: %s", async (system, machine, reason) => {
  await sandbox.write("fake/uname", `#!/bin/sh\n[ "$1" = -s ] && echo ${system} || echo ${machine}\n`, 0o755);
  const env = { PATH: `${join(sandbox.folder, "fake")}:/usr/bin:/bin` };
  const { stderr, exitCode } = await sandbox.run([`--from=${release()}`], { env });
  expect(stderr).toBe(`install: error: ${reason}\n`);
  expect(exitCode).toBe(1);
});

test.each([
  ["10.0.0", 1],
  ["9.10.0", 1],
  ["9.9.9", 0],
  ["9.9.9-rc.1", 0],
  ["9.9.8", 0],
  ["0.10.10", 0],
])("over %s, 9.9.9 ends with %i", async (present, exitCode) => {
  const older = await sandbox.write(
    "home/.local/bin/vsync",
    `#!/bin/sh\necho "vsync/${present} (0123456789ab)"\n`,
    0o755,
  );
  const before = await readFile(older, "utf8");
  const ran = await sandbox.run([`--from=${release()}`]);
  expect(ran.exitCode).toBe(exitCode);
  if (exitCode === 0) return;
  expect(ran.stderr).toContain(`is ${present} already, and newer than 9.9.9: --downgrade replaces it\n`);
  expect(await readFile(older, "utf8")).toBe(before);
  expect((await sandbox.run([`--from=${release()}`, "--downgrade"])).exitCode).toBe(0);
  expect(await readFile(older, "utf8")).toBe(PROGRAM);
});

test("refuses a folder that it cannot write", async () => {
  const { stderr, exitCode } = await sandbox.run([`--from=${release()}`, "--to=/dev/null/bin"]);
  expect(stderr).toBe("install: error: /dev/null/bin cannot be written to: name another folder with --to=<folder>\n");
  expect(exitCode).toBe(1);
});

test("does not install a binary that does not start here", async () => {
  const broken = "#!/bin/sh\nexit 127\n";
  const digest = createHash("sha256").update(broken).digest("hex");
  for (const target of TARGETS) await sandbox.write(`release/vsync-9.9.9-${target}`, broken);
  await sandbox.write("release/SHA256SUMS", TARGETS.map((target) => `${digest}  vsync-9.9.9-${target}\n`).join(""));
  const { stderr } = await sandbox.run([`--from=${release()}`]);
  expect(stderr).toContain("does not start on this machine: nothing was installed");
  expect(await readdir(join(sandbox.home, ".local/bin"))).toEqual([]);
});

test("refuses a binary that was tampered with, and installs nothing", async () => {
  for (const target of TARGETS) await sandbox.write(`release/vsync-9.9.9-${target}`, `${PROGRAM}# tampered\n`);
  const { stderr, exitCode } = await sandbox.run([`--from=${release()}`]);
  expect(stderr).toMatch(/^install: error: vsync-\S+ is not the file that SHA256SUMS names: nothing was installed\n$/);
  expect(exitCode).toBe(1);
  expect(await missing(installed())).toBe(true);
});

test("refuses checksums that differ from --sums", async () => {
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
  [["--from=http://127.0.0.1:80@example.com/"], "only https:// is fetched from"],
  [["--from=http://127.0.0.1:"], "only https:// is fetched from"],
  [["--from=http://127.0.0.1:80?@example.com/"], "only https:// is fetched from"],
  [["--from=/nowhere/at/all"], "cannot read /nowhere/at/all/SHA256SUMS"],
])("%j: %s", async (args, reason) => {
  const { stderr, exitCode } = await sandbox.run(args);
  expect(stderr).toContain(`install: error: ${reason}\n`);
  expect(exitCode).toBe(1);
  expect(await missing(installed())).toBe(true);
});
