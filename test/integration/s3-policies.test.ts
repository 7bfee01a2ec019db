import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessDeniedError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { keysOf, text } from "../contract/fixture.ts";
import { createBucket, emptyPrefix, putBucketPolicy } from "../support/ceph/target.ts";
import {
  configure,
  createVaultAt,
  ITEMS,
  openMachine,
  type Place,
  randomName,
  realServer,
  storeAt,
} from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

const NEW = "another passphrase entirely";
const { isThere, target: real, reader: user } = realServer();

/** Applies the printed policies on a real server to a user without any other rights, by the command line only. */
describe.skipIf(!isThere)("on a real S3 server, what vsync policy prints", () => {
  const bucket = randomName("vsync-policy");
  const owner: Place = { ...real, bucket };
  const place: Place = { ...owner, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
  const elsewhere = { ...place, prefix: "api/other/" };

  let sandbox: Sandbox;
  beforeAll(() => createBucket(real, bucket).then(() => undefined));
  beforeEach(async () => {
    sandbox = await openMachine();
  });
  afterEach(async () => {
    await sandbox[Symbol.asyncDispose]();
    await emptyPrefix(real, bucket, "");
  });
  afterAll(() => putBucketPolicy(real, bucket, []).catch(() => undefined));

  const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Transcript> =>
    sandbox.run(args, { env: { VSYNC_PASSPHRASE: PASSPHRASE, VSYNC_SECRET_KEY: user.secretAccessKey, ...env } });

  async function must(args: readonly string[], env = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await run(args, env);
    expect({ args, stderr: exitCode === 0 ? "" : stderr, exitCode }).toEqual({ args, stderr: "", exitCode: 0 });
    return stdout;
  }

  async function grant(role: "reader" | "operator"): Promise<void> {
    const { Statement } = JSON.parse(await must(["policy", "--env=prod", `--role=${role}`, `--bucket=${bucket}`]));
    const principal = { AWS: [user.arn] };
    await putBucketPolicy(
      real,
      bucket,
      Statement.map((statement: object) => ({ ...statement, Principal: principal })),
    );
  }

  async function isRefused(...calls: readonly (() => Promise<unknown>)[]): Promise<void> {
    for (const call of calls) {
      const error: unknown = await call().catch((reason: unknown) => reason);
      expect({ call: String(call), error }).toEqual({ call: String(call), error: expect.any(AccessDeniedError) });
    }
  }

  /** Objects of another vault in the same bucket, and keys that no vault has. */
  async function isKeptOut(): Promise<void> {
    await storeAt({ ...owner, prefix: "api/other/" }).create("manifest", text("another vault's"));
    await storeAt(owner).create("stray", text("not a vault's"));
    const [own, other] = [storeAt(place), storeAt(elsewhere)];
    await isRefused(
      () => other.get("manifest", { maxBytes: 10 }),
      () => other.create("v=20300101T000000000Z", text("x")),
      () => other.create("probe-1/single", text("x")),
      () => other.delete("manifest"),
      () => keysOf(other),
      () => own.create("another-stray", text("x")),
      () => own.delete("stray"),
      () => own.get("stray", { maxBytes: 10 }),
    );
  }

  const removed = (store: ObjectStore, key: string) => () => store.delete(key);

  test("for an operator: everything that people do, and no more", async () => {
    await grant("operator");
    const at = [`--endpoint=${real.endpoint}`, `--region=${real.region}`, `--bucket=${bucket}`];
    await must(["init", "--env=prod", ...at, `--access-key=${user.accessKeyId}`]);
    await sandbox.write("work/.env.prod", "A=1\nB=2\n");
    await must(["push", "prod"]);
    await sandbox.write("work/.env.prod", "A=2\n");
    await must(["push", "prod", "--yes"]);
    await must(["rotate-passphrase", "--env=prod", "--yes"], { VSYNC_NEW_PASSPHRASE: NEW });
    const env = { VSYNC_PASSPHRASE: NEW };
    await must(["restore", "prod", "--gen=1", "--yes", `--then-passphrase-file=${await passphraseFile()}`], env);
    expect(await must(["get", "prod", "B"], env)).toBe("2\n");
    await must(["status", "prod", "--remote"], env);
    await must(["history", "prod"], env);
    await must(["audit", "verify", "prod"], env);
    await must(["runtime-token", "--env=prod"], env);
    await must(["gc", "prod", "--keep=1", "--older-than=0s", "--yes"], env);
    expect(await must(["doctor", "prod"], env)).not.toMatch(/^[!✗]/m);
    const keys = await keysOf(storeAt(owner));
    // gc keeps the newest generation, and its own commit is one more
    expect(keys.filter((key) => key.startsWith("v="))).toHaveLength(2);
    expect(keys.filter((key) => key.startsWith("probe-"))).toEqual([]);
    expect(keys.filter((key) => key.startsWith("audit/"))).toHaveLength(5);

    const store = storeAt(place);
    await isRefused(removed(store, "manifest"), removed(store, "audit/000000000001"));
    await isKeptOut();
    expect(await keysOf(storeAt(owner))).toEqual([...keys, "stray"].toSorted());
  });

  const passphraseFile = (): Promise<string> => sandbox.write("work/then", PASSPHRASE);

  test("for a reader: a token that boots an app, and no more", async () => {
    await createVaultAt(owner);
    await configure(sandbox, owner);
    await grant("reader");
    const key = [`--access-key=${user.accessKeyId}`];
    const token = (await must(["runtime-token", "--env=prod", ...key])).trimEnd();
    const [item] = ITEMS;
    const printed = await must(["run", "--", "printenv", "DATABASE_URL"], { VSYNC_CONFIG: token });
    expect(printed).toBe(`${item?.data}\n`);
    expect(await must(["doctor", "prod"], { VSYNC_CONFIG: token })).toMatch(/^✓ runtime key .* and cannot write it$/m);

    const before = await keysOf(storeAt(owner));
    await configure(sandbox, place, await knownVault());
    await sandbox.write("work/.env.prod", "A=2\n");
    expect(await run(["push", "prod", "--yes"])).toMatchObject({ stdout: "", exitCode: 2 });
    expect(await run(["audit", "verify", "prod"])).toMatchObject({ exitCode: 2 });
    const store = storeAt(place);
    const bundle = before.find((it) => it.startsWith("v=")) ?? "";
    const version = (await store.head("manifest")) ?? "";
    await isRefused(
      () => store.replace("manifest", text("x"), version),
      () => store.create("v=20300101T000000000Z", text("x")),
      () => store.get("audit/000000000001", { maxBytes: 10 }),
      () => store.get("v=20300101T000000000Z", { maxBytes: 10 }),
      () => keysOf(store),
      removed(store, "manifest"),
      removed(store, bundle),
    );
    await isKeptOut();
    expect(await keysOf(storeAt(owner))).toEqual([...before, "stray"].toSorted());
  });

  async function knownVault() {
    const { vault, kdf, recipient, seenGen } = await configure(sandbox, owner);
    return { vault, kdf, recipient, seenGen };
  }
});
