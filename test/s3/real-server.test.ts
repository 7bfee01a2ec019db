import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { AccessDeniedError, S3UnreachableError } from "../../src/errors.ts";
import { probeStore } from "../../src/s3/probe.ts";
import { keysOf, text } from "../contract/fixture.ts";
import { createBucket, enableVersioning, type PolicyStatement, putBucketPolicy } from "../support/ceph/target.ts";
import { failureOf, openAt } from "./fixture.ts";

const target = inject("s3");
const MAX = { maxBytes: 100 };

describe.skipIf(target === null)("on a real S3 server", () => {
  const real = target ?? {
    name: "",
    endpoint: "http://none.invalid",
    region: "",
    accessKeyId: "",
    secretAccessKey: "",
  };
  const prefix = `${randomBytes(4).toString("hex")}/`;
  let bucket = "";
  beforeAll(async () => {
    bucket = await createBucket(real, `vsync-real-${randomBytes(4).toString("hex")}`);
  });
  const asAdmin = () => openAt(real, { bucket, prefix, keys: real });

  test("writes, reads and lists keys with any characters", async () => {
    const keys = [" two  spaces ", "a+b%20c", "a&b<c>\"d'", "#?=;:@$,!*()[]{}|\\^`~", "\u0001\t", "é/日本/😀"];
    const store = asAdmin();
    for (const key of keys) await store.create(`keys/${key}`, text(key));
    const listed = await keysOf(store, "keys/");
    expect(listed.toSorted()).toEqual(keys.map((key) => `keys/${key}`).toSorted());
    for (const key of keys) expect((await store.get(`keys/${key}`, MAX))?.bytes).toEqual(text(key));
    for (const key of listed) await store.delete(key);
    expect(await keysOf(store)).toEqual([]);
  });

  test("wrong credentials, a missing bucket", async () => {
    const unknown = openAt(real, { bucket, keys: { accessKeyId: "NOBODYNOBODYNOBODY00", secretAccessKey: "x" } });
    expect((await failureOf(unknown.get("manifest", MAX))).message).toMatch(/does not know the access key$/);
    const wrong = openAt(real, { bucket, keys: { ...real, secretAccessKey: "planted-secret-key" } });
    expect((await failureOf(wrong.get("manifest", MAX))).message).toMatch(/does not belong to the access key$/);
    expect(await failureOf(wrong.head("manifest"))).toBeInstanceOf(AccessDeniedError);
    const nowhere = openAt(real, { bucket: "vsync-no-such-bucket", keys: real });
    const error = await failureOf(nowhere.create("manifest", text("bytes")));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect(error.message).toMatch(/ has no bucket vsync-no-such-bucket$/);
  });

  test.skipIf(target?.name !== "Ceph")(
    "Ceph with versioning lets several win a race: such a bucket is refused",
    async () => {
      const versioned = await createBucket(real, `vsync-versioned-${randomBytes(4).toString("hex")}`);
      await enableVersioning(real, versioned);
      const proveOnce = () =>
        probeStore(openAt(real, { bucket: versioned, prefix, keys: real }), {
          random: { bytes: (n) => randomBytes(n) },
        });
      // By chance, only one writer may win a round, but not twenty times in a row.
      for (let tries = 0; tries < 20; tries++) {
        const { failed } = await proveOnce();
        if (failed !== null) return expect(failed).toMatch(/^(create|replace)-race$/);
      }
      expect.unreachable("versioned buckets keep conditional writes here: docs/decisions/0047 is out of date");
    },
  );

  describe.skipIf(target?.reader === undefined)("a second user", () => {
    const reader = target?.reader ?? { accessKeyId: "", secretAccessKey: "", arn: "" };
    const asReader = () => openAt(real, { bucket, prefix, keys: reader });
    const allow = (action: string, resource: string): PolicyStatement => ({
      Effect: "Allow",
      Action: [action],
      Resource: [resource],
      Principal: { AWS: [reader.arn] },
    });

    test("with permission to get: gets objects, writes none, and does not learn which are missing", async () => {
      await putBucketPolicy(real, bucket, [allow("s3:GetObject", `arn:aws:s3:::${bucket}/${prefix}*`)]);
      await asAdmin().create("there", text("bytes"));
      expect((await asReader().get("there", MAX))?.bytes).toEqual(text("bytes"));
      const version = (await asReader().head("there")) ?? "";
      for (const refused of [
        () => asReader().head("missing"),
        () => asReader().get("missing", MAX),
        () => asReader().create("new", text("bytes")),
        () => asReader().replace("there", text("other"), version),
        () => asReader().delete("there"),
        () => keysOf(asReader()),
      ]) {
        expect(await failureOf(refused())).toBeInstanceOf(AccessDeniedError);
      }
      expect(await keysOf(asAdmin())).toEqual(["there"]);
    });

    test("with permission to list as well: learns which are missing", async () => {
      await putBucketPolicy(real, bucket, [
        allow("s3:GetObject", `arn:aws:s3:::${bucket}/${prefix}*`),
        allow("s3:ListBucket", `arn:aws:s3:::${bucket}`),
      ]);
      expect(await asReader().head("missing")).toBeNull();
      expect(await asReader().get("missing", MAX)).toBeNull();
    });
  });
});
