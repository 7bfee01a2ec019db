import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { decodeToken } from "../../src/blob/token.ts";
import { DEFAULT_COST, type KdfCost } from "../../src/crypto/argon2id.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { Vsync } from "../../src/runtime/vsync.ts";
import { systemClock } from "../../src/stores/open-store.ts";
import { expectationOf, passphraseHintOf, storeOf as storeOfToken } from "../../src/stores/token.ts";
import { createClientCredentialsToken, createTokenVerifier } from "../../src/tokens/index.ts";
import { readAudit } from "../../src/vault/audit/chain.ts";
import { proposeSet } from "../../src/vault/items/set.ts";
import { fetchBundle, openBundle } from "../../src/vault/open/open-bundle.ts";
import { fetchManifest } from "../../src/vault/open/open-manifest.ts";
import { openRotation } from "../../src/vault/rotate.ts";
import { hintOf, type PassphraseHint, PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { snapshotOf, tokenHere } from "../../test/tokens/access/access-world.ts";
import { LEAST_COST } from "./home.ts";
import { type RequestJob, requestWork } from "./requests.ts";

/** A process that has loaded the library: runs one job per line of JSON and answers with its times. */
export type Job =
  | { readonly do: "derive"; readonly cost?: "least" }
  /** One HEAD on an open connection. */
  | ({ readonly do: "round-trip" } & Access)
  | ({ readonly do: "open" } & Access)
  /** `open` without overlap: manifest, derivation and bundle in sequence. */
  | ({ readonly do: "open-in-sequence" } & Access)
  | ({ readonly do: "rotate" } & Rotation)
  /** Gives one secret a new value, which appends a row to the log. */
  | ({ readonly do: "set" } & Access)
  | ({ readonly do: "verify" } & Access)
  /** Decides so many times on a grant without patterns, or verifies so many access tokens. */
  | { readonly do: "authorize" | "verify-access"; readonly times: number }
  | RequestJob;

export interface Timed {
  readonly wallMs: number;
  /** Of this process, in user and system mode. */
  readonly cpuMs: number;
}

export interface Access {
  readonly token: string;
  readonly passphrase: string;
}

export interface Rotation extends Access {
  readonly newPassphrase: string;
  /** Whether to use the hint of the last rotation, as in a machine's config, instead of the token's older one. */
  readonly remembers: boolean;
}

const ACTOR = { user: "bench", host: "bench", tool: "vsync/bench" };
const random = { bytes: randomBytes };
const stores = new Map<string, ObjectStore>();
/** By token. */
const remembered = new Map<string, PassphraseHint>();

/** Reuses the store of a token, so its connection is open from the second use on. */
async function storeOf({ token }: Access): Promise<ObjectStore> {
  const known = stores.get(token);
  if (known !== undefined) return known;
  const store = await storeOfToken(decodeToken(token));
  await store.head("manifest");
  stores.set(token, store);
  return store;
}

async function workOf(job: Job): Promise<() => Promise<unknown>> {
  switch (job.do) {
    case "derive":
      return () => derivePassphraseKey(Secret.ofText("a passphrase"), { ...costOf(job.cost), salt: randomBytes(16) });
    case "open":
      return async () => (await Vsync.open({ config: job.token, passphrase: job.passphrase, env: {} })).close();
    case "open-in-sequence":
      return () => openInSequence(job);
    case "authorize":
    case "verify-access":
      return accessWork(job);
    case "verify-request":
    case "refuse-request":
    case "first-request":
      return requestWork(job);
    case "round-trip":
    case "rotate":
    case "set":
    case "verify": {
      const store = await storeOf(job);
      return () => onStore(job, store);
    }
    default:
      return job satisfies never;
  }
}

function costOf(cost: "least" | undefined): Omit<KdfCost, "salt"> {
  return cost === "least" ? LEAST_COST : DEFAULT_COST;
}

type StoreJob = Extract<Job, { do: "round-trip" | "rotate" | "set" | "verify" }>;

async function onStore(job: StoreJob, store: ObjectStore): Promise<unknown> {
  if (job.do === "round-trip") return store.head("manifest");
  const ports = { store, clock: systemClock, random };
  const token = decodeToken(job.token);
  const known = job.do === "rotate" && job.remembers ? remembered.get(job.token) : undefined;
  using holder = new PassphraseHolder(Secret.ofText(job.passphrase), known ?? passphraseHintOf(token));
  const request = { holder, expect: expectationOf(token), annotation: { actor: ACTOR } };
  if (job.do === "verify") return await readAudit(ports, request);
  if (job.do === "set") {
    const data = Secret.ofText(randomBytes(16).toString("hex"));
    using proposal = await proposeSet(ports, request, [{ name: "DATABASE_URL", kind: "secret", data }]);
    return await proposal.commit();
  }
  const newPassphrase = Secret.ofText(job.newPassphrase);
  using rotation = await openRotation(ports, request);
  using proposal = await rotation.propose({ newPassphrase });
  const committed = await proposal.commit();
  if (committed) remembered.set(job.token, hintOf(committed.manifest));
  return committed;
}

async function accessWork(job: Extract<Job, { times: number }>): Promise<() => Promise<unknown>> {
  const owner = await tokenHere(1);
  const filters = { protocol: "http", publish: true, labels: { team: { oneof: ["a", "b"] } } };
  const claims = { grants: [{ projects: ["project-id"], scopes: { tunnels: { create: { filters } } } }] };
  const { token } = createClientCredentialsToken(owner, { expiresInSeconds: 3600, claims });
  const verifier = createTokenVerifier({ vault: { readVerify: async () => snapshotOf([owner]) } });
  const authority = await verifier.verify(token);
  const request = { root: "tunnels", operation: "create", project: "project-id", labels: { team: "b" } };
  return async () => {
    for (let time = 0; time < job.times; time++) {
      if (job.do === "verify-access") await verifier.verify(token);
      else if (!authority.authorize(request).allowed) throw new Error("the grant must allow it");
    }
  };
}

async function openInSequence({ token, passphrase }: Access): Promise<void> {
  const decoded = decodeToken(token);
  const store = await storeOfToken(decoded);
  using holder = new PassphraseHolder(Secret.ofText(passphrase));
  const fetched = await fetchManifest(store);
  if (fetched === null) throw new Error("the vault is missing");
  const { manifest } = fetched;
  const unlocked = await holder.unlock(manifest, { clock: systemClock });
  const bytes = await fetchBundle(store, manifest.bundle);
  const { keys } = await openBundle(bytes, manifest, (header) => unlocked.openSlot(header));
  keys[Symbol.dispose]();
}

for await (const line of createInterface({ input: process.stdin })) {
  const work = await workOf(JSON.parse(line) as Job);
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(startCpu);
  const done: Timed = { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
