import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Hole, openBlackHole, openServer } from "../support/black-hole.ts";
import { configure, openMachine } from "../support/program/s3-machine.ts";
import { programUnderTest, type Sandbox, type Transcript } from "../support/program/sandbox.ts";

/**
 * The contract's 10 s and some more for a busy machine; waiting for a server that never responds would take longer
 * still.
 */
const LIMIT_MS = 60_000;
const NOBODY = { accessKeyId: "K", secretAccessKey: "planted-secret-key" };

async function machineAt(endpoint: string, program?: readonly string[]): Promise<Sandbox> {
  const sandbox = await openMachine(program);
  const place = { endpoint, region: "us-east-1", bucket: "b", ...NOBODY };
  await configure(sandbox, place, { vault: "AAECAwQFBgcICQoLDA0ODw" });
  return sandbox;
}

/** Ends in time, with nothing on stdout, and the reason on stderr. */
async function fails(sandbox: Sandbox, reason: RegExp, args: readonly string[] = [], env = {}): Promise<Transcript> {
  const started = performance.now();
  const transcript = await sandbox.run(["runtime-token", "--env=prod", ...args], { env });
  const tookMs = performance.now() - started;
  expect(transcript.stdout).toBe("");
  expect(transcript.stderr).toMatch(reason);
  expect(transcript.stderr).not.toContain("planted-secret-key");
  expect(tookMs).toBeLessThan(LIMIT_MS);
  return transcript;
}

const failure = (reason: string): RegExp =>
  new RegExp(`^vsync: error: cannot read s3://b/api/prod/manifest: ${reason}\nvsync: hint: .+\n$`);

const silent = (): void => undefined;

describe.concurrent("3, in time", () => {
  test.each<[string, () => Promise<Hole>, "http" | "https", string]>([
    ["an address that drops everything", openBlackHole, "http", "no connection to \\S+ within 4 s"],
    ["a server that never answers", () => openServer(silent), "http", "\\S+ did not answer within 6 s"],
  ])("%s", async (_, open, scheme, reason) => {
    await using hole = await open();
    await using sandbox = await machineAt(`${scheme}://127.0.0.1:${hole.port}`);
    expect((await fails(sandbox, failure(reason))).exitCode).toBe(3);
  });

  test("--ambient, and the credentials' own source never answers", async () => {
    await using hole = await openServer(silent);
    await using sandbox = await machineAt(`http://127.0.0.1:${hole.port}`);
    const config = await sandbox.write("home/.aws/config", "[default]\ncredential_process = sleep 600\n");
    const env = { AWS_CONFIG_FILE: config, AWS_EC2_METADATA_DISABLED: "true" };
    expect(
      (await fails(sandbox, failure("the ambient credentials did not arrive in time"), ["--ambient"], env)).exitCode,
    ).toBe(3);
  });
});

// name servers that never answer are behind a resolv.conf of the program's own, which takes a mount namespace
const hasNamespaces = process.platform === "linux" && process.getuid?.() === 0;
describe.skipIf(!hasNamespaces)("silent name servers", { concurrent: true }, () => {
  test.each([["127.0.0.62", "127.0.0.63", "127.0.0.64"]])("%s: 3, in time", async (...servers) => {
    const sockets = await Promise.all(servers.map(listenOn));
    const folder = await openMachine();
    const resolvers = servers.map((server) => `nameserver ${server}\n`).join("");
    const file = join(folder.folder, "resolv.conf");
    await writeFile(file, `search one.invalid two.invalid\n${resolvers}`);
    const mounted = `mount --bind ${file} /etc/resolv.conf && exec "$0" "$@"`;
    const program = ["unshare", "--mount", "/bin/sh", "-c", mounted, ...programUnderTest()];
    await using sandbox = await machineAt("https://s3.somewhere.invalid", program);
    const transcript = await fails(sandbox, failure("no connection to s3.somewhere.invalid within 4 s"));
    expect(transcript.exitCode).toBe(3);
    for (const socket of sockets) socket.close();
    await folder[Symbol.asyncDispose]();
  });
});

async function listenOn(address: string) {
  const socket = createSocket("udp4");
  socket.bind(53, address);
  await once(socket, "listening");
  return socket;
}
