import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3Target } from "./target.ts";

const START_LIMIT_MS = 60_000;
const FETCH_LIMIT_MS = 15 * 60_000;

export interface StartingCeph {
  readonly target: S3Target;
  /** Resolves once it serves. @throws Error if it did not start; the message ends with its last output */
  readonly ready: Promise<void>;
  /** Resolves once every process is gone. */
  stop(): Promise<void>;
}

/** The folder that keeps Ceph between runs. */
export function cephRoot(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vsync-test", "ceph");
}

export function isCephFetched(): boolean {
  return existsSync(join(cephRoot(), "usr/bin/radosgw"));
}

/** Starts Ceph's S3 server on loopback, fetching it the first time. Its processes always end with this one. */
export async function startCeph(): Promise<StartingCeph> {
  const [port, monitorPort] = await freePorts();
  const keys = { admin: randomKeys(), reader: randomKeys() };
  const limitMs = isCephFetched() ? START_LIMIT_MS : FETCH_LIMIT_MS;
  const running = run([cephRoot(), String(port), String(monitorPort)], keyVariables(keys), limitMs);
  const target: S3Target = {
    name: "Ceph",
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    ...keys.admin,
    arn: "arn:aws:iam:::user/admin",
    reader: { ...keys.reader, arn: "arn:aws:iam:::user/reader" },
  };
  return { target, ...running };
}

function run(args: readonly string[], env: Record<string, string>, limitMs: number): Omit<StartingCeph, "target"> {
  // In its own session, out of reach of Ctrl-C: it ends with its stdin, once vitest is done with it.
  const script = fileURLToPath(new URL("run.sh", import.meta.url));
  const child = spawn(script, args, { detached: true, env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-2000)));
  const ready = new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => {
      child.stdin.end();
      reject(new Error(`no answer within ${limitMs / 1000} s; ${said}`));
    }, limitMs);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(said.trim() || `it ended with ${code}`)));
    child.stdout.once("data", () => {
      clearTimeout(limit);
      resolve();
    });
    void ended.then(() => clearTimeout(limit));
  });
  return { ready, stop: () => (child.stdin.end(), ended) };
}

type UserKeys = ReturnType<typeof randomKeys>;

function keyVariables(keys: { admin: UserKeys; reader: UserKeys }): Record<string, string> {
  return {
    ADMIN_KEY: keys.admin.accessKeyId,
    ADMIN_SECRET: keys.admin.secretAccessKey,
    READER_KEY: keys.reader.accessKeyId,
    READER_SECRET: keys.reader.secretAccessKey,
  };
}

function randomKeys() {
  return {
    accessKeyId: randomBytes(10).toString("hex").toUpperCase(),
    secretAccessKey: randomBytes(20).toString("hex"),
  };
}

/** Two free ports, below those that the kernel gives out: until Ceph has them, which may take minutes, no program gets them by chance. */
async function freePorts(): Promise<[number, number]> {
  for (;;) {
    const ports: [number, number] = [randomInt(10_000, 30_000), randomInt(10_000, 30_000)];
    if (ports[0] !== ports[1] && (await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
