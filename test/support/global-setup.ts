import { existsSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { cephRoot, isCephFetched, type RunningCeph, startCeph } from "./ceph/ceph.ts";
import type { S3Target } from "./ceph/target.ts";

/**
 * Gives the suite a real S3 server: the one that `VSYNC_TEST_S3_ENDPOINT` names (with `VSYNC_TEST_S3_ACCESS_KEY`,
 * `…_SECRET_KEY`, and optionally `…_REGION`, `…_BUCKET`), else a Ceph of its own, unless `VSYNC_TEST_CEPH=off`.
 */

let ceph: RunningCeph | undefined;

export async function setup(project: TestProject): Promise<void> {
  project.provide("s3", givenTarget(process.env) ?? (await cephTarget()));
}

export async function teardown(): Promise<void> {
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
  if (!isCephFetched()) process.stderr.write(`fetching Ceph into ${cephRoot()} (160 MB, once)\n`);
  try {
    ceph = await startCeph();
    return ceph.target;
  } catch (error) {
    const reason = `it did not start: ${error instanceof Error ? error.message.replace(/\s+/g, " ") : String(error)}`;
    if (process.env.CI === "true") throw new Error(`Ceph: ${reason}`, { cause: error });
    return withoutServer(reason);
  }
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
