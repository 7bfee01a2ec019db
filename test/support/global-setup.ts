import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { TestProject } from "vitest/node";
import { cephRoot, isCephFetched, type StartingCeph, startCeph } from "./ceph/ceph.ts";
import type { S3Target } from "./ceph/target.ts";

/**
 * Gives the suite a real S3 server: the one that `VSYNC_TEST_S3_ENDPOINT` names (with `VSYNC_TEST_S3_ACCESS_KEY`,
 * `…_SECRET_KEY`, and optionally `…_REGION`, `…_BUCKET`), else a Ceph of its own, unless `VSYNC_TEST_CEPH=off`. Other
 * tests run while it starts.
 */

let ceph: StartingCeph | undefined;
let teller: Server | undefined;
/** Shorter than a hook's time limit, whose message would say less. */
const PATIENCE_MS = 200_000;

export async function setup(project: TestProject): Promise<void> {
  project.provide("s3", givenTarget(process.env) ?? (await cephTarget()));
}

export async function teardown(): Promise<void> {
  teller?.close();
  await ceph?.stop();
}

function givenTarget(env: NodeJS.ProcessEnv): S3Target | undefined {
  const endpoint = env.VSYNC_TEST_S3_ENDPOINT;
  const accessKeyId = env.VSYNC_TEST_S3_ACCESS_KEY;
  const secretAccessKey = env.VSYNC_TEST_S3_SECRET_KEY;
  if (!endpoint) return undefined;
  if (!accessKeyId || !secretAccessKey) {
    throw new Error("VSYNC_TEST_S3_ENDPOINT needs VSYNC_TEST_S3_ACCESS_KEY and VSYNC_TEST_S3_SECRET_KEY as well");
  }
  const bucket = env.VSYNC_TEST_S3_BUCKET ? { bucket: env.VSYNC_TEST_S3_BUCKET } : {};
  const region = env.VSYNC_TEST_S3_REGION || "us-east-1";
  return { name: endpoint, endpoint, region, accessKeyId, secretAccessKey, ...bucket };
}

async function cephTarget(): Promise<S3Target | null> {
  const obstacle = cephObstacle();
  if (obstacle !== undefined) return withoutServer(obstacle);
  const isNew = !isCephFetched();
  if (isNew) process.stderr.write(`fetching Ceph into ${cephRoot()} (160 MB, once)\n`);
  ceph = await startCeph();
  const fault = ceph.ready.then(() => "", reasonOf);
  // In CI, tests fail without it; elsewhere they are skipped if it cannot be fetched.
  if (isNew && process.env.CI !== "true" && (await fault) !== "") return withoutServer(await fault);
  return { ...ceph.target, readyPort: await tell(fault) };
}

const reasonOf = ({ message }: Error): string => `it did not start: ${message.replace(/\s+/g, " ")}`;

async function tell(fault: Promise<string>): Promise<number> {
  const told = fault.then((reason) => reason && `Ceph: ${reason}; VSYNC_TEST_CEPH=off leaves out the tests on it`);
  teller = createServer((socket) => {
    socket.on("error", () => undefined).setTimeout(PATIENCE_MS, () => socket.end("Ceph is still being fetched"));
    void told.then((text) => socket.end(text));
  });
  await once(teller.unref().listen(0, "127.0.0.1"), "listening");
  return (teller.address() as AddressInfo).port;
}

/** Why this machine cannot try Ceph, or null. */
function cephObstacle(): string | undefined {
  if (process.env.VSYNC_TEST_CEPH === "off") return "VSYNC_TEST_CEPH=off";
  if (process.platform !== "linux") return "it needs Linux";
  if (process.getuid?.() !== 0) return "it needs root";
  if (!existsSync("/usr/bin/apt-get")) return "it is fetched with apt-get";
  return undefined;
}

function withoutServer(reason: string): null {
  const remedy = "set VSYNC_TEST_S3_ENDPOINT, _ACCESS_KEY and _SECRET_KEY to test against a server";
  process.stderr.write(`tests on a real S3 server are skipped, Ceph was not started (${reason}): ${remedy}\n`);
  return null;
}
