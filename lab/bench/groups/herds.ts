import { join } from "node:path";
import { cephRoot, isCephFetched, startCeph } from "../../../test/support/ceph/ceph.ts";
import { createBucket } from "../../../test/support/ceph/target.ts";
import { PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import type { HerdAnswer } from "../herd-process.ts";
import { LEAST_COST } from "../home.ts";
import { JsonLines } from "../json-lines.ts";
import type { Access } from "../library-process.ts";
import type { Herd } from "../results.ts";
import { type Place, S3Server } from "../s3-server.ts";
import { scopedVaultAt, secretsOf, vaultAt } from "../s3-vault.ts";
import { percentile, rounded } from "../series.ts";
import type { World } from "../world.ts";

const SECRETS = 50;
const PROCESSES = 4;
const TENTH_MS = 100;

/** Instances that boot at once: on the strict server, without and with a limit of requests per second, and on Ceph. */
export async function measureHerds({ scale, say }: World): Promise<readonly Herd[]> {
  await using processes = new AsyncDisposableStack();
  const program = join(import.meta.dirname, "..", "herd-process.ts");
  const workers = Array.from({ length: PROCESSES }, (_, at) =>
    processes.use(new JsonLines(`herd ${at}`, [process.execPath, program])),
  );
  for (const worker of workers) await worker.read();
  const herds = await onStrictServer(workers, scale.herds);
  if (!scale.withPeers) return herds;
  return [...herds, ...(await onCeph(workers, scale.herds, say))];
}

async function onStrictServer(workers: readonly JsonLines[], sizes: readonly number[]): Promise<readonly Herd[]> {
  await using server = await S3Server.start();
  // Instances normally derive on their own machines, but share this one.
  const token = await vaultAt(server.place, "api/prod/", secretsOf(SECRETS), LEAST_COST);
  const scoped = await scopedVaultAt(server.place, "scoped/prod/", secretsOf(SECRETS));
  const access = { passphrase: { token, passphrase: PASSPHRASE }, "scoped token": { token: scoped, passphrase: "" } };
  const largest = Math.max(...sizes);
  const limited = { instances: largest, limit: Math.max(2, largest / 5) };
  const plans = [
    ...sizes.map((instances) => ({ instances, limit: null, holder: "passphrase" as const })),
    { ...limited, holder: "passphrase" as const },
    { ...limited, holder: "scoped token" as const },
  ];
  await bootAll(workers, { token, passphrase: PASSPHRASE }, workers.length);
  const herds: Herd[] = [];
  for (const { instances, limit, holder } of plans) {
    await server.setLimit(limit);
    await server.count();
    const answers = await bootAll(workers, access[holder], instances);
    const counted = await server.count();
    const requests = Object.values(counted.requests).reduce((sum, times) => sum + times, 0);
    herds.push({
      server: "strict",
      holder,
      instances,
      limit,
      ...summaryOf(answers),
      requestsPerBoot: rounded(requests / instances),
      turnedAway: counted.turnedAway,
      arrivals: perTenth(counted.arrivalsMs),
    });
  }
  return herds;
}

async function onCeph(
  workers: readonly JsonLines[],
  sizes: readonly number[],
  say: (line: string) => void,
): Promise<readonly Herd[]> {
  if (!isCephFetched()) {
    say(`no herd on Ceph: it is not in ${cephRoot()}, where the tests on a real S3 server put it`);
    return [];
  }
  const ceph = await startCeph();
  await ceph.ready;
  try {
    const bucket = await createBucket(ceph.target, "herd");
    const place: Place = { ...ceph.target, bucket };
    const token = await vaultAt(place, "api/prod/", secretsOf(SECRETS), LEAST_COST);
    const herds: Herd[] = [];
    for (const instances of sizes) {
      const summary = summaryOf(await bootAll(workers, { token, passphrase: PASSPHRASE }, instances));
      herds.push({
        server: "Ceph",
        holder: "passphrase",
        instances,
        limit: null,
        ...summary,
        requestsPerBoot: null,
        turnedAway: null,
        arrivals: [],
      });
    }
    return herds;
  } finally {
    await ceph.stop();
  }
}

/** Distributes the instances over the processes. */
function bootAll(workers: readonly JsonLines[], access: Access, instances: number): Promise<readonly HerdAnswer[]> {
  const dealt = workers.map((worker, at) => {
    const share = Math.floor(instances / workers.length) + (at < instances % workers.length ? 1 : 0);
    return worker.ask<HerdAnswer>({ ...access, instances: share });
  });
  return Promise.all(dealt);
}

function summaryOf(answers: readonly HerdAnswer[]): Pick<Herd, "opened" | "failed" | "latencyMs"> {
  const openedMs = answers.flatMap((answer) => answer.openedMs).toSorted((a, b) => a - b);
  const failed: Record<string, number> = {};
  for (const [name, times] of answers.flatMap((answer) => Object.entries(answer.failed))) {
    failed[name] = (failed[name] ?? 0) + times;
  }
  const at = (percent: number): number => (openedMs.length === 0 ? 0 : rounded(percentile(openedMs, percent)));
  return { opened: openedMs.length, failed, latencyMs: { p50: at(50), p95: at(95), p99: at(99), max: at(100) } };
}

function perTenth(arrivalsMs: readonly number[]): number[] {
  const tenths = arrivalsMs.map((ms) => Math.floor(ms / TENTH_MS));
  const counts = Array.from({ length: tenths.reduce((most, tenth) => Math.max(most, tenth), 0) + 1 }, () => 0);
  for (const tenth of tenths) counts[tenth] = (counts[tenth] ?? 0) + 1;
  return counts;
}
