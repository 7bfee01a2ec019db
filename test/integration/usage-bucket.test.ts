import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeToken } from "../../src/blob/token.ts";
import { type PolicyStatement, policyOf } from "../../src/cli/policy/policy.ts";
import { AccessDeniedError } from "../../src/errors.ts";
import { systemClock, systemRandom } from "../../src/stores/open-store.ts";
import { dayOf } from "../../src/usage/batch.ts";
import { readUsage } from "../../src/vault/usage/read.ts";
import { planClose, planCompact, voidEvent } from "../../src/vault/usage/write.ts";
import { keysOf, text } from "../contract/fixture.ts";
import { temporaryFolder } from "../runtime/fixture.ts";
import { createBucket, emptyPrefix, putBucketPolicy } from "../support/ceph/target.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";
import { holding } from "../support/passphrases.ts";
import {
  createVaultAt,
  type Place,
  randomName,
  realServer,
  storeAt,
  strictPlace,
} from "../support/program/s3-machine.ts";
import { ROOT, startStrictS3 } from "../support/strict-s3/server.ts";
import type { Action, Grant } from "../support/strict-s3/users.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

/* The ledger in a bucket, written by processes with the rights that `vsync policy` prints for a reader and a meter. */

const PROGRAM = join(import.meta.dirname, "meter-process.ts");
const DAY_MS = 86_400_000;
const NOW_MS = systemClock.nowMs();
/** Long enough that ciphertext does not contain one by chance. */
const NAMES = { token: "token-of-ann", backend: "backend-of-ann", route: "route-of-ann", meter: "jobs_of_the_app" };
const { isThere, target: real, reader: user } = realServer();

interface Bucket {
  readonly owner: Place;
  /** Runs as a user with the rights of `grant`, and no others. */
  readonly app: Place;
  grant(statements: readonly PolicyStatement[]): Promise<unknown>;
}

async function strict(): Promise<Bucket> {
  const grants: Grant[] = [];
  const app = { accessKeyId: "METERKEY", secretAccessKey: "meter/secret+key", grants };
  const server = await startStrictS3({ users: [ROOT, app] });
  onTestFinished(() => server.close());
  const grant = async (statements: readonly PolicyStatement[]) =>
    grants.splice(0, grants.length, ...grantsOf(statements));
  return { owner: strictPlace(server), app: strictPlace(server, app), grant };
}

function grantsOf(statements: readonly PolicyStatement[]): Grant[] {
  return statements.flatMap(({ Action: actions, Resource: resources }) =>
    resources.map((resource) => {
      const prefix = resource.replace(/^arn:aws:s3:::strict\//, "").replace(/\*$/, "");
      return { actions: actions as readonly Action[], prefix };
    }),
  );
}

/** An object belongs to the key that wrote it: the bucket's owner needs the policy of an operator to read it. */
async function ceph(): Promise<Bucket> {
  const bucket = await createBucket(real, randomName("vsync-usage"));
  onTestFinished(() => emptyPrefix(real, bucket, ""));
  const owner: Place = { ...real, bucket };
  const app: Place = { ...owner, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
  const operates = policyOf("operator", { ...owner, prefix: "api/prod/" }).Statement;
  const to = (arn: string, statements: readonly PolicyStatement[]) =>
    statements.map((it) => ({ ...it, Sid: `${it.Sid}${arn.length}`, Principal: { AWS: [arn] } }));
  const grant = (statements: readonly PolicyStatement[]) =>
    putBucketPolicy(real, bucket, [...to(real.arn ?? "", operates), ...to(user.arn, statements)]);
  return { owner, app, grant };
}

describe.each([
  ["the strict server", true, strict],
  ["a real S3 server", isThere && real.arn !== undefined, ceph],
])("on %s", (_, isHere, bucketOf) => {
  test.skipIf(!isHere)("apps that are killed and refused lose nothing; operators close, compact and void", async () => {
    const { owner, app, grant } = await bucketOf();
    const vault = await createVaultAt(owner);
    await vault.settings({
      backends: [{ id: NAMES.backend }],
      routes: [{ id: NAMES.route, method: "GET", path: "/x" }],
      meters: [{ key: NAMES.meter }],
    });
    const claims = { name: NAMES.token, backend: NAMES.backend, capabilities: ["metering"] as const };
    const [token, other] = [await vault.createToken(claims), await vault.createToken({ ...claims, name: "other" })];
    const scope = { ...app, prefix: "api/prod/", token: token.id };
    const [reads, meters] = (["reader", "meter"] as const).map((role) => policyOf(role, scope).Statement);
    const config = encodeToken({
      ...vault.tokenFields,
      ...app,
      prefix: "api/prod/",
      anchor: token.anchor,
      token: token.credential,
      minGen: token.gen,
    });
    const spool = join(await temporaryFolder(), "spool");
    const meter = (...words: readonly string[]) => runMeter({ VSYNC_CONFIG: config, VSYNC_USAGE_SPOOL: spool }, words);

    await grant([...(reads ?? []), ...(meters ?? [])]);
    await meter("a", "b");
    await meter("a", "c", "flush");
    await grant(reads ?? []);
    expect(await meter("d", "flush")).toContain("1 usage events wait for");
    await grant([...(reads ?? []), ...(meters ?? [])]);
    await meter("e", "flush");

    const store = storeAt(owner);
    const clock = { nowMs: () => NOW_MS + 40 * DAY_MS };
    const ports = { store, clock, random: systemRandom };
    using holder = holding(PASSPHRASE);
    const request = {
      holder,
      expect: { env: "prod" },
      annotation: { actor: { user: "ann", host: "vm", tool: "test" } },
    };
    const counted = async () => {
      const { totals, late, refused, doubts } = await readUsage(ports, request);
      const sum = (of: typeof totals) => Number(of.by([])[0]?.amount ?? 0n);
      return { sum: sum(totals), late: sum(late), refused, doubts };
    };
    const sound = { refused: [], doubts: [], late: 0 };
    expect(await counted()).toEqual({ ...sound, sum: 5 });
    const today = dayOf(NOW_MS);
    await (await planCompact(ports, request, today)).write();
    expect(await counted()).toEqual({ ...sound, sum: 5 });
    await voidEvent(ports, request, { id: "b" });
    const closing = await planClose(ports, request, today.slice(0, 7));
    await closing.write();
    await expect(closing.write()).rejects.toThrow("somebody else wrote");
    await meter("f", "a", "flush");
    expect(await counted()).toEqual({ ...sound, sum: 4, late: 1 });

    const own = storeAt(app);
    const [batch = ""] = (await keysOf(store)).filter((key) => key.startsWith(`usage/${token.id}/`));
    for (const refused of [
      () => own.get(`usage/months/${today.slice(0, 7)}`, { maxBytes: 10_000 }),
      () => own.delete(batch),
      () => keysOf(own),
      () => own.create(`usage/${other.id}/${today}/x`, text("x")),
      () => own.create("usage/months/2020-01", text("x")),
      () => own.create("audit/000000000099", text("x")),
    ]) {
      await expect(refused(), String(refused)).rejects.toThrow(AccessDeniedError);
    }
    await isClosed(owner);
  });
});

/** No object shows in plain text the names of tokens, backends, routes and meters, or the quantities. */
async function isClosed(owner: Place): Promise<void> {
  const all = storeAt({ ...owner, prefix: "" });
  const keys = await keysOf(all);
  expect(keys.filter((key) => key.includes("/usage/")).length).toBeGreaterThan(3);
  for (const key of keys) {
    const bytes = Buffer.from((await all.get(key, { maxBytes: 1 << 24 }))?.bytes ?? []).toString("latin1");
    for (const name of Object.values(NAMES)) expect(`${key} ${bytes}`.includes(name), `${name} in ${key}`).toBe(false);
  }
}

/** Runs the app until it has kept the events and is killed, or until it has flushed. @returns its stderr */
async function runMeter(env: NodeJS.ProcessEnv, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...COMPILE_CACHE, PROGRAM, ...words], {
    env: { PATH: process.env["PATH"], NOW_MS: String(NOW_MS), ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  await Promise.race([once(child.stdout, "data"), exited]);
  if (words.at(-1) !== "flush") child.kill("SIGKILL");
  await exited;
  return stderr;
}
