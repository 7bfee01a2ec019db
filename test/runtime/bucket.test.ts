/** @module-tag process */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { Vsync } from "../../src/runtime/index.ts";
import { ROOT } from "../support/strict-s3/server.ts";
import type { BucketTerms } from "../support/strict-s3/terms.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { bucketVault } from "./bucket-fixture.ts";
import { ITEMS, rejectionOf } from "./fixture.ts";
import { INDEX, runModule } from "./program.ts";

describe("a vault in a bucket", () => {
  test("opens with two GETs", async () => {
    const { server, configWith } = await bucketVault();
    await using v = await Vsync.open({ config: configWith({}), passphrase: PASSPHRASE, env: {} });
    expect(v.get("DATABASE_URL")).toBe(ITEMS[0].data);
    expect(server.log.map(({ method, key, status }) => [method, key, status])).toEqual([
      ["GET", "api/prod/manifest", 200],
      ["GET", expect.stringMatching(/^api\/prod\/v=\d{8}T\d{9}Z$/), 200],
    ]);
  });

  test("opens on a token that agrees to pay, where the bucket's owner does not", async () => {
    const terms: BucketTerms = {};
    const { configWith } = await bucketVault([], terms);
    terms.requesterPays = true;
    await using v = await Vsync.open({ config: configWith({ requesterPays: true }), passphrase: PASSPHRASE, env: {} });
    expect(v.get("DATABASE_URL")).toBe(ITEMS[0].data);
    const without = Vsync.open({ config: configWith({}), passphrase: PASSPHRASE, env: {} });
    await expect(without).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });

  test("opens with a session token but not without it", async () => {
    const keys = { accessKeyId: "TEMPORARY", secretAccessKey: "planted/temporary" };
    const { configWith } = await bucketVault([{ ...ROOT, ...keys, sessionToken: "planted-session" }]);
    const config = configWith({ ...keys, sessionToken: "planted-session" });
    await using v = await Vsync.open({ config, passphrase: PASSPHRASE, env: {} });
    expect(v.get("DATABASE_URL")).toBe(ITEMS[0].data);
    const without = Vsync.open({ config: configWith(keys), passphrase: PASSPHRASE, env: {} });
    await expect(without).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });

  test("opens with the platform's credentials", async () => {
    const { configWith } = await bucketVault();
    const none = { accessKeyId: undefined, secretAccessKey: undefined, credentials: "ambient" };
    const VSYNC_CONFIG = configWith(none as unknown as Partial<RuntimeToken>);
    const keys = { AWS_ACCESS_KEY_ID: ROOT.accessKeyId, AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey };
    for (const [name, value] of Object.entries(keys)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    await using v = await Vsync.open({ config: VSYNC_CONFIG, passphrase: PASSPHRASE, env: {} });
    expect(v.get("DATABASE_URL")).toBe(ITEMS[0].data);
  });

  test.each([
    ["a wrong secret key", { secretAccessKey: "planted/wrong" }],
    ["an unknown access key", { accessKeyId: "UNKNOWN" }],
  ])("is denied to %s", async (_, fields) => {
    const { configWith } = await bucketVault();
    const error = await rejectionOf(Vsync.open({ config: configWith(fields), passphrase: PASSPHRASE, env: {} }));
    expect(error).toMatchObject({ name: "AccessDeniedError", code: "ACCESS_DENIED", hint: expect.any(String) });
    expect(`${(error as Error).stack}`).not.toContain("planted/wrong");
  });

  test.each([
    ["manifest", /manifest$/],
    ["bundle", /v=/],
  ])("whose server never answers for the %s ends at the deadline", async (_, key) => {
    const { server, configWith } = await bucketVault();
    server.faults.add({ key }, { kind: "hang", apply: false });
    const options = { config: configWith({}), passphrase: PASSPHRASE, env: {}, timeoutMs: 1000 };
    const error = await rejectionOf(Vsync.open(options));
    expect(error).toMatchObject({ code: "S3_UNREACHABLE", message: "the vault did not open within 1000 ms" });
  });

  test("rejects with the signal's reason if its server never answers", async () => {
    const { server, configWith } = await bucketVault();
    server.faults.add({ key: /manifest$/ }, { kind: "hang", apply: false });
    const signal = AbortSignal.timeout(100);
    const error = await rejectionOf(Vsync.open({ config: configWith({}), passphrase: PASSPHRASE, env: {}, signal }));
    expect(error).toBe(signal.reason);
  });

  test("loads the S3 store while it derives the key, and no AWS SDK for explicit keys", async () => {
    const { configWith } = await bucketVault();
    const env = { VSYNC_CONFIG: configWith({}), VSYNC_PASSPHRASE: PASSPHRASE };
    const text = `
      import { registerHooks } from "node:module";
      registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
      const { Vsync } = await import(${INDEX});
      await Vsync.open();
    `;
    const { stdout, stderr, status } = await runModule(text, env);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const [addon, store] = ["/argon2/", "/src/s3/store"].map((name) => stdout.indexOf(name));
    expect(addon).toBeGreaterThan(0);
    expect(store).toBeGreaterThan(addon!);
    expect(stdout).not.toContain("@aws-sdk");
  });

  test("opens for a user without a home", async () => {
    const { configWith } = await bucketVault();
    const text = `
      import { syncBuiltinESMExports } from "node:module";
      import os from "node:os";
      os.homedir = () => { throw new Error("no home"); };
      syncBuiltinESMExports();
      const { Vsync } = await import(${INDEX});
      process.stdout.write(String(await Vsync.open()));
    `;
    const ended = await runModule(text, { VSYNC_CONFIG: configWith({}), VSYNC_PASSPHRASE: PASSPHRASE });
    expect(ended).toEqual({ stdout: "[vsync gen=1 env=prod]", stderr: "", status: 0 });
  });

  test("does not keep the process alive", async () => {
    const { configWith } = await bucketVault();
    const env = { VSYNC_CONFIG: configWith({}), VSYNC_PASSPHRASE: PASSPHRASE };
    const text = `import { Vsync } from ${INDEX}; process.stdout.write(String(await Vsync.open()));`;
    expect(await runModule(text, env)).toEqual({ stdout: "[vsync gen=1 env=prod]", stderr: "", status: 0 });
  });
});
