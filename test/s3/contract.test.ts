import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import type { StoreFixture } from "../contract/fixture.ts";
import { describeObjectStore } from "../contract/object-store.ts";
import { createBucket, emptyPrefix } from "../support/ceph/target.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { openAt, type Place } from "./fixture.ts";

describe("strict S3", () => {
  let server: StrictS3 | undefined;
  beforeAll(async () => {
    server = await startStrictS3();
  });
  afterAll(() => server?.close());

  describeObjectStore("S3 on the strict server", async () => {
    const running = server ?? expect.unreachable("no server");
    const overrides = { bucket: "strict" };
    return fixtureAt(running, overrides, async () => running.buckets.get("strict")?.clear());
  });
});

describe("strict S3 whose owner wants SSE-KMS, and lets requesters pay", () => {
  const terms = {
    kmsKey: "arn:aws:kms:us-east-1:111122223333:key/a1b2",
    bucketKey: true,
    requesterPays: true,
  } as const;
  let server: StrictS3 | undefined;
  beforeAll(async () => {
    server = await startStrictS3({ terms });
  });
  afterAll(() => server?.close());

  describeObjectStore("S3 on its terms", async () => {
    const running = server ?? expect.unreachable("no server");
    return fixtureAt(running, { bucket: "strict", ...terms }, async () => running.buckets.get("strict")?.clear());
  });
});

const target = inject("s3");
describe.skipIf(target === null)("a real S3 server", () => {
  let bucket = "";
  beforeAll(async () => {
    if (target !== null) bucket = await createBucket(target, `vsync-contract-${randomBytes(4).toString("hex")}`);
  });

  describeObjectStore(
    `S3 on ${target?.name}`,
    async () => {
      const real = target ?? expect.unreachable("no server");
      return fixtureAt(real, { bucket, keys: real }, (prefix) => emptyPrefix(real, bucket, prefix));
    },
    { listedKeys: 1010 },
  );
});

function fixtureAt(
  place: Place,
  overrides: Parameters<typeof openAt>[1],
  empty: (prefix: string) => Promise<void>,
): StoreFixture {
  const run = `${randomBytes(4).toString("hex")}/`;
  const open = async (prefix: string) => openAt(place, { ...overrides, prefix: `${run}${prefix}` });
  const store = openAt(place, { ...overrides, prefix: `${run}a/b/` });
  return { store, another: () => open("a/b/"), sibling: () => open("a/bc/"), close: () => empty(run) };
}
