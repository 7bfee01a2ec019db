import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { HeldToken } from "../../src/runtime/held-token.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { createVault, type VaultFixture } from "../support/vault-fixture.ts";
import { ENV } from "../support/world.ts";
import { directoryVault, open, rejectionOf, temporaryFolder } from "./fixture.ts";

let store: MemoryStore;
let vault: VaultFixture;
let held: HeldToken;

beforeEach(async () => {
  store = new MemoryStore();
  vault = await createVault(store, { items: [{ name: "A", data: "1" }] });
  const { credential, anchor } = await vault.createToken({ capabilities: ["metering"] });
  const place = { v: 1, endpoint: "memory://", region: "local", bucket: "b", prefix: "", env: ENV } as const;
  const token = { ...place, salt: "", iterations: 1, credentials: "ambient", vault: vault.vault, anchor } as const;
  held = new HeldToken(Secret.ofText(credential), token, store);
  store.requests.length = 0;
});

const requests = (): string[] =>
  store.requests.splice(0).map(({ operation, key }) => `${operation} ${key.replace(/=.*/, "")}`);

describe("readToken", () => {
  test("sends one request where nothing has changed, and fetches the bundle again after a change", async () => {
    const first = await held.readToken(1);
    expect([first.gen, requests()]).toEqual([2, ["get manifest", "get v"]]);
    expect([await held.readToken(1), requests()]).toEqual([first, ["get manifest"]]);
    await vault.push([{ name: "A", data: "2" }]);
    store.requests.length = 0;
    expect([(await held.readToken(1)).gen, requests()]).toEqual([3, ["get manifest", "get v"]]);
    expect([(await held.readToken(1)).gen, requests()]).toEqual([3, ["get manifest"]]);
  });

  test("refuses an older generation than the handle's, and than the last one that it read", async () => {
    const before = new Map(store.bucket);
    expect(await rejectionOf(held.readToken(3))).toMatchObject({ name: "RollbackError" });
    await vault.push([{ name: "A", data: "2" }]);
    await held.readToken(1);
    for (const [key, stored] of before) store.bucket.set(key, stored);
    expect(await rejectionOf(held.readToken(1))).toMatchObject({ name: "RollbackError" });
  });

  test("reports that the vault is gone, and reads again once it is back", async () => {
    await held.readToken(1);
    const before = new Map(store.bucket);
    store.bucket.clear();
    expect(await rejectionOf(held.readToken(1))).toMatchObject({ code: "MANIFEST_NOT_FOUND" });
    for (const [key, stored] of before) store.bucket.set(key, stored);
    expect((await held.readToken(1)).gen).toBe(2);
  });

  test("opens nothing after close: its credential is zeroed, but not the caller's", async () => {
    const own = Secret.ofText("vsrt_of_the_caller");
    const { anchor } = await vault.createToken({});
    const other = new HeldToken(own, { anchor } as never, store);
    other[Symbol.dispose]();
    expect(own.exposeText()).toBe("vsrt_of_the_caller");
    held[Symbol.dispose]();
    expect(await rejectionOf(held.readToken(1))).toBeInstanceOf(Error);
  });
});

describe("openUsage", () => {
  const EVENT = { id: "a", lane: "meter", usage: { jobs: 1 }, at: Date.parse("2026-11-29T09:00:00.000Z") } as const;

  /** Opens it as `vsync/backend` does. */
  async function usageOf(options: Parameters<HeldToken["openUsage"]>[1], generation = 2) {
    const token = await held.readToken(1);
    const usage = await held.openUsage({ vault: vault.vault, generation, token }, options);
    onTestFinished(() => usage.recorder.close().catch(() => {}));
    store.requests.length = 0;
    return usage;
  }

  const batches = (): number => [...store.bucket.keys()].filter((key) => key.startsWith("usage/")).length;

  test("keeps events in the given folder until the store has them", async () => {
    const spool = await temporaryFolder();
    const { recorder, writer } = await usageOf({ spool });
    expect([writer.vault, writer.id]).toEqual([vault.vault, expect.stringMatching(/^tok_/)]);
    await recorder.record(EVENT);
    expect((await readdir(spool)).map((name) => name.split(".")[0])).toEqual([writer.id]);
    await recorder.flush();
    expect([await readdir(spool), batches()]).toEqual([[], 1]);
  });

  test("sends what a process left that was killed", async () => {
    const spool = await temporaryFolder();
    const killed = await usageOf({ spool });
    await killed.recorder.record(EVENT);
    const [name = ""] = await readdir(spool);
    // Left by an earlier process with the same pid.
    const earlier = name.replace(/\.\d+(?=\.[0-9a-f]+\.spool$)/, ".1");
    await rename(join(spool, name), join(spool, earlier));
    const { recorder } = await usageOf({ spool });
    expect(recorder.waiting).toBe(1);
    await recorder.flush();
    expect([await readdir(spool), batches()]).toEqual([[], 1]);
  });

  test("takes the folder from the option, else from VSYNC_USAGE_SPOOL; false keeps events only in memory", async () => {
    const [variable, option] = [await temporaryFolder(), await temporaryFolder()];
    vi.stubEnv("VSYNC_USAGE_SPOOL", variable);
    onTestFinished(() => void vi.unstubAllEnvs());
    const warn = vi.fn();
    for (const spool of [undefined, option, false] as const) {
      const { recorder } = await usageOf({ spool, warn });
      await recorder.record({ ...EVENT, id: String(spool) });
      expect(recorder.waiting).toBe(1);
    }
    expect([(await readdir(variable)).length, (await readdir(option)).length]).toEqual([1, 1]);
    expect(warn).not.toHaveBeenCalled();
  });

  test("sends what waits after a minute, and does not keep an idle process alive for it", async () => {
    const { recorder } = await usageOf({ spool: false });
    const timer = vi.spyOn(globalThis, "setTimeout");
    onTestFinished(() => timer.mockRestore());
    await recorder.record(EVENT);
    const [[work, ms] = [], { value } = {}] = [timer.mock.calls[0], timer.mock.results[0]];
    clearTimeout(value);
    expect([ms, value?.hasRef()]).toEqual([60_000, false]);
    work?.();
    await vi.waitFor(() => expect(batches()).toBe(1));
  });

  test("warns as Node.js does by default", async () => {
    const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => emit.mockRestore());
    const warn = vi.fn();
    const spool = join(await temporaryFolder(), "missing/usage");
    for (const options of [{ spool }, { spool, warn }]) await (await usageOf(options)).recorder.record(EVENT);
    expect(emit.mock.calls.map(([, details]) => details)).toEqual([{ code: "VSYNC_USAGE" }]);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test("seals to the newest key, or after the token's rotation to the last known; other faults are thrown", async () => {
    const { recorder } = await usageOf({ spool: false, warn: () => {} });
    const asked = () => requests().filter((request) => request === "get manifest").length;
    await recorder.record(EVENT);
    await recorder.flush();
    expect([asked(), batches()]).toEqual([1, 1]);
    const { claims } = await held.readToken(1);
    await vault.revokeToken(claims.id);
    await recorder.record({ ...EVENT, id: "b" });
    await recorder.flush();
    expect(batches()).toBe(2);
    store.bucket.delete("manifest");
    await recorder.record({ ...EVENT, id: "c" });
    expect(await rejectionOf(recorder.flush())).toMatchObject({ code: "MANIFEST_NOT_FOUND" });
    expect(batches()).toBe(2);
  });

  test("in a Worker has each event in the store before it resolves", async () => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    onTestFinished(() => void vi.unstubAllGlobals());
    const spool = await temporaryFolder();
    const { recorder } = await usageOf({ spool });
    await recorder.record(EVENT);
    expect([batches(), await readdir(spool)]).toEqual([1, []]);
  });
});

test("a handle that a passphrase opened neither reads a token nor records usage, nor does one that is closed", async () => {
  const directory = await directoryVault();
  const byPassphrase = await open(directory);
  const { config } = await directory.token();
  const closed = await open(directory, { env: { VSYNC_CONFIG: config } });
  expect((await closed.readToken()).gen).toBe(2);
  await closed.close();
  const cases = [
    [byPassphrase, "vsync tokens create prod"],
    [closed, "before close()"],
  ] as const;
  for (const [handle, next] of cases)
    for (const asking of [handle.readToken(), handle.openUsage(), handle.readVerify()])
      expect(await rejectionOf(asking)).toMatchObject({ code: "INPUT", hint: expect.stringContaining(next) });
});
