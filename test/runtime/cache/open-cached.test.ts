import { once } from "node:events";
import { readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { RuntimeToken } from "../../../src/blob/token.ts";
import { openThroughCache } from "../../../src/runtime/cache/open-cached.ts";
import { zeroContents } from "../../../src/runtime/contents.ts";
import { type OpenOptions, S3UnreachableError, Vsync } from "../../../src/runtime/index.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { holding } from "../../support/passphrases.ts";
import { ENV, OLD, World } from "../../support/world.ts";
import { type DirectoryVault, directoryVault, environmentOf, ITEMS, rejectionOf, temporaryFolder } from "../fixture.ts";
import { collectSecrets, isNotZero } from "../secrets.ts";

const disk = vi.hoisted(() => ({ hangs: { read: false, write: false }, onAsked: () => {} }));
vi.mock("../../../src/runtime/cache/cache.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../../src/runtime/cache/cache.ts")>();
  const hang = () => {
    disk.onAsked();
    return new Promise<never>(() => {});
  };
  const readCache: typeof original.readCache = (...given) => (disk.hangs.read ? hang() : original.readCache(...given));
  const writeCache: typeof original.writeCache = (...given) =>
    disk.hangs.write ? hang() : original.writeCache(...given);
  return { ...original, readCache, writeCache };
});

const HOUR_MS = 3_600_000;
/** The store's own error message. */
const UNMOUNTED: unknown = expect.stringMatching(/^mount the disk/);

interface Host {
  readonly vault: DirectoryVault;
  readonly cache: string;
  readonly warned: { readonly code: string; readonly message: string }[];
  /** Opens the vault as the app does when it boots; the handle is closed after the test. */
  boot(options?: OpenOptions): Promise<Vsync>;
  /** Unmounts the store's disk; calling the result mounts it again. */
  unmount(): Promise<() => Promise<void>>;
}

async function host(vault: DirectoryVault): Promise<Host> {
  const cache = join(await temporaryFolder(), "vault.cache");
  const warned: Host["warned"] = [];
  const warn = (fields: object, message: string) => void warned.push({ ...(fields as { code: string }), message });
  const root = join(vault.folder, "../..");
  return {
    vault,
    cache,
    warned,
    boot: async (options = {}) => {
      const defaults = { env: environmentOf(vault), logger: { warn }, cache, maxAge: HOUR_MS };
      const v = await Vsync.open({ ...defaults, ...options });
      onTestFinished(() => v.close());
      return v;
    },
    unmount: async () => {
      await rename(root, `${root}.away`);
      return () => rename(`${root}.away`, root);
    },
  };
}

/** A host that has booted once, at its clock's present time. */
async function bootedHost(options: Parameters<typeof directoryVault>[0] = {}): Promise<Host> {
  const booted = await host(await directoryVault(options));
  await booted.boot();
  return booted;
}

function passTime(ms: number): void {
  const nowMs = Date.now() + ms;
  const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs);
  onTestFinished(() => clock.mockRestore());
}

describe("a vault that is opened with a cache", () => {
  test("keeps a sealed copy, mode 0600, with nothing readable in it", async () => {
    const { cache } = await bootedHost();
    expect((await stat(cache)).mode & 0o777).toBe(0o600);
    const text = (await readFile(cache)).toString("latin1");
    for (const planted of ["DATABASE_URL", "postgres", ITEMS[1].data, "certs/sa.json"])
      expect(text).not.toContain(planted);
    expect(await readdir(join(cache, ".."))).toEqual(["vault.cache"]);
  });

  test("opens from it while the store cannot be reached, and says how old it is", async () => {
    const { boot, unmount, warned, cache } = await bootedHost();
    const live = await boot();
    expect([live.ageMs, warned]).toEqual([0, []]);
    passTime(HOUR_MS / 2);
    await unmount();
    const stale = await boot();
    expect(stale.get("DATABASE_URL")).toBe(ITEMS[0].data);
    expect(stale.bytes("certs/sa.json")).toEqual(ITEMS[4].data);
    expect(stale.ageMs).toBeGreaterThanOrEqual(HOUR_MS / 2);
    expect(stale.ageMs).toBeLessThan(HOUR_MS);
    const message = expect.stringMatching(/does not exist; opened generation 1 from the cache .*, 18\d\d s old$/);
    expect(warned).toEqual([
      { code: "VSYNC_STALE_VAULT", path: cache, gen: 1, ageMs: stale.ageMs, hint: UNMOUNTED, message },
    ]);
  });

  test("opens from a copy that is as old as it may be", async () => {
    passTime(0);
    const { boot, unmount } = await bootedHost();
    passTime(HOUR_MS);
    await unmount();
    expect((await boot()).ageMs).toBe(HOUR_MS);
  });

  test("opens from a copy of the near future, as after a clock was set back, and calls it new", async () => {
    passTime(0);
    const { boot, unmount } = await bootedHost();
    passTime(-HOUR_MS);
    await unmount();
    expect((await boot()).ageMs).toBe(0);
  });

  test("opens from the store as soon as it is back, and the copy is the new one", async () => {
    const { boot, unmount, vault } = await bootedHost();
    const mount = await unmount();
    expect((await boot()).generation).toBe(1);
    await mount();
    await vault.push([{ name: "NEW", data: "2" }]);
    expect((await boot()).generation).toBe(2);
    await unmount();
    expect((await boot()).get("NEW")).toBe("2");
  });

  test("takes half of the time for a store that does not answer", async () => {
    const { boot, vault, warned } = await bootedHost();
    const { config, asked } = await silentStore(vault);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const booting = boot({ config, timeoutMs: 2000 });
    await asked;
    vi.advanceTimersByTime(1000);
    const v = await booting;
    expect(v.get("DATABASE_URL")).toBe(ITEMS[0].data);
    expect(warned.map(({ message }) => message)).toEqual([
      expect.stringContaining("did not open within 1000 ms; opened"),
    ]);
  });

  test("zeroes what it decrypts, from the store and from the copy", async () => {
    const { boot, unmount, cache } = await bootedHost();
    const secrets = collectSecrets();
    await (await boot()).close();
    expect(secrets.filter(isNotZero)).toEqual([]);
    await unmount();
    await (await boot()).close();
    await rejectionOf(boot({ cache, maxAge: Number.MIN_VALUE }));
    expect(secrets.filter(isNotZero)).toEqual([]);
    expect(secrets.length).toBeGreaterThan(20);
  });

  test("is off by default", async () => {
    const { vault, unmount } = await bootedHost();
    await unmount();
    await expect(Vsync.open({ env: environmentOf(vault) })).rejects.toMatchObject({ code: "S3_UNREACHABLE" });
  });

  test("opens all the same where the copy cannot be kept, with a warning", async () => {
    const { boot, warned, vault } = await host(await directoryVault());
    const cache = join(vault.folder, "none/vault.cache");
    const v = await boot({ cache, maxAge: HOUR_MS });
    expect(v.has("API_KEY")).toBe(true);
    const message = `vsync: the cache ${cache} cannot be written (ENOENT)`;
    expect(warned).toEqual([{ code: "VSYNC_CACHE_UNWRITABLE", path: cache, hint: expect.any(String), message }]);
  });
});

describe("the copy is not used", () => {
  const CASES: Record<string, (host: Host) => Promise<OpenOptions | void> | void> = {
    "it does not exist yet": ({ cache }) => rm(cache),
    "old, more than the 3600 s of maxAge": () => passTime(HOUR_MS + 1000),
    "of the future, more than": () => passTime(-HOUR_MS - 1000),
    "it is cut or altered": async ({ cache }) => writeFile(cache, (await readFile(cache)).subarray(0, -1)),
    "vsync did not write it": ({ cache }) => writeFile(cache, "{}\n"),
    "somebody altered its time": ({ cache }) =>
      edit(cache, (text) => text.replace(/"at":\d+/, `"at":${Date.now() + 1}`)),
    "it cannot be read (ELOOP)": async ({ cache }) => {
      await rename(cache, `${cache}.elsewhere`);
      await symlink(`${cache}.elsewhere`, cache);
    },
  };

  test.each(Object.keys(CASES))("%s", async (fault) => {
    passTime(0);
    const booted = await bootedHost();
    await CASES[fault]!(booted);
    await booted.unmount();
    const error = await rejectionOf(booted.boot());
    expect(error).toMatchObject({ name: "S3UnreachableError", hint: UNMOUNTED });
    const said = fault.startsWith("of the future") ? "s old, more than" : fault;
    expect((error as Error).message).toContain(`the cache ${booted.cache} cannot replace it: `);
    expect((error as Error).message).toContain(said);
    expect(booted.warned).toEqual([]);
  });
});

describe("the copy is checked like the store", () => {
  test("a wrong passphrase", async () => {
    const { boot, unmount } = await bootedHost();
    await unmount();
    expect(await rejectionOf(boot({ passphrase: "wrong" }))).toMatchObject({ code: "WRONG_PASSPHRASE" });
  });

  test("a token that has seen a newer generation", async () => {
    const { boot, unmount, vault } = await bootedHost();
    await unmount();
    expect(await rejectionOf(boot({ config: vault.configWith({ minGen: 2 }) }))).toMatchObject({ code: "ROLLBACK" });
  });

  test("another vault's copy", async () => {
    const { boot, unmount, cache } = await bootedHost();
    const other = await bootedHost();
    await rename(other.cache, cache);
    await unmount();
    expect(await rejectionOf(boot())).toMatchObject({ code: "NOT_AUTHENTIC" });
  });

  test("an altered bundle", async () => {
    const { boot, unmount, cache } = await bootedHost();
    const bytes = await readFile(cache);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(cache, bytes);
    await unmount();
    expect(await rejectionOf(boot())).toMatchObject({ code: "BUNDLE_CORRUPT" });
  });

  test("a store that refuses, or has no vault, is not one that cannot be reached", async () => {
    const { boot, vault } = await bootedHost();
    await rm(join(vault.folder, "manifest"));
    expect(await rejectionOf(boot())).toMatchObject({ code: "MANIFEST_NOT_FOUND" });
    await symlink("/etc/hostname", join(vault.folder, "manifest"));
    expect(await rejectionOf(boot())).toMatchObject({ code: "ACCESS_DENIED" });
  });

  test("and an abort ends it", async () => {
    const { boot, unmount } = await bootedHost();
    await unmount();
    const signal = AbortSignal.abort("no longer wanted");
    expect(await rejectionOf(boot({ signal }))).toBe("no longer wanted");
  });

  test("an abort while the store is silent opens nothing, even with an error of ours", async () => {
    const { boot, vault, warned } = await bootedHost();
    const { config, asked } = await silentStore(vault);
    const secrets = collectSecrets();
    const controller = new AbortController();
    const reason = new S3UnreachableError("the app gave up");
    const ended = rejectionOf(boot({ config, signal: controller.signal, timeoutMs: 2 ** 31 - 1 }));
    await asked;
    controller.abort(reason);
    expect(await ended).toBe(reason);
    // Token and passphrase are zeroed last; by then a copy would have been opened if anybody had looked for one.
    await expect.poll(() => secrets.slice(0, 2).map(isNotZero)).toEqual([false, false]);
    expect(warned).toEqual([]);
  });
});

describe("the copy is a floor", () => {
  /** Saves the present manifest; calling the result puts it back. */
  async function kept({ vault }: Host): Promise<() => Promise<void>> {
    const manifest = join(vault.folder, "manifest");
    const bytes = await readFile(manifest);
    return () => writeFile(manifest, bytes);
  }

  test("an older generation that somebody put back is refused", async () => {
    const booted = await bootedHost();
    const putBack = await kept(booted);
    await booted.vault.push([{ name: "NEW", data: "2" }]);
    await booted.boot();
    await putBack();
    const secrets = collectSecrets();
    const message = "the store offers generation 1, but generation 2 was seen before";
    expect(await rejectionOf(booted.boot())).toMatchObject({ code: "ROLLBACK", message });
    expect(secrets.filter(isNotZero)).toEqual([]);
    expect((await readFile(booted.cache)).toString("latin1")).toContain('"gen":2');
  });

  test("even under a passphrase that the copy has retired", async () => {
    const booted = await bootedHost();
    const putBack = await kept(booted);
    await booted.vault.rotate("another passphrase", HOUR_MS);
    await booted.boot();
    await putBack();
    passTime(2 * HOUR_MS);
    expect(await rejectionOf(booted.boot())).toMatchObject({ code: "ROLLBACK" });
  });

  test("unless somebody forged it", async () => {
    const booted = await bootedHost();
    await edit(booted.cache, (text) => text.replace('"gen":1', '"gen":9'));
    expect((await booted.boot()).generation).toBe(1);
    await writeFile(booted.cache, "{}\n");
    expect((await booted.boot()).generation).toBe(1);
  });

  test("unless it is another vault's", async () => {
    const booted = await bootedHost();
    const other = await bootedHost();
    await other.vault.push([{ name: "NEW", data: "2" }]);
    await other.boot();
    await rename(other.cache, booted.cache);
    expect((await booted.boot()).generation).toBe(1);
  });
});

describe("a cache whose disk hangs", () => {
  beforeEach(() => {
    disk.hangs = { read: true, write: true };
    // Its time is over as soon as somebody waits for it.
    disk.onAsked = () => queueMicrotask(() => void vi.advanceTimersByTime(400));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    return () => {
      disk.hangs = { read: false, write: false };
      vi.useRealTimers();
    };
  });

  test("does not count as an unreachable store", async () => {
    const { boot, warned, cache } = await host(await directoryVault());
    const v = await boot({ cache, maxAge: HOUR_MS, timeoutMs: 2000 });
    expect([v.ageMs, v.has("API_KEY")]).toEqual([0, true]);
    const message = `vsync: the cache ${cache} cannot be written (its disk did not answer within 400 ms)`;
    expect(warned).toMatchObject([{ code: "VSYNC_CACHE_UNWRITABLE", message }]);
  });

  test("cannot replace the store", async () => {
    const { boot, unmount } = await host(await directoryVault());
    await unmount();
    const error = await rejectionOf(boot({ timeoutMs: 2000 }));
    expect(error).toMatchObject({ name: "S3UnreachableError", hint: UNMOUNTED });
    expect((error as Error).message).toMatch(/cannot replace it: its disk did not answer within 400 ms$/);
  });

  test.each(["read", "write"] as const)("does not outlast an abort: %s", async (what) => {
    const { boot, warned } = await host(await directoryVault());
    disk.hangs = { read: what === "read", write: what === "write" };
    const controller = new AbortController();
    disk.onAsked = () => controller.abort("no longer wanted");
    expect(await rejectionOf(boot({ signal: controller.signal }))).toBe("no longer wanted");
    expect(warned).toEqual([]);
  });
});

test("what the store sends too late is zeroed, because the copy was used", async () => {
  const world = await World.pushed({ A: "1" });
  using holder = holding(OLD, world.identity);
  const request = { holder, expect: { env: ENV }, signal: new AbortController().signal };
  const cache = { path: join(await temporaryFolder(), "cache"), maxAgeMs: HOUR_MS, diskMs: 60_000, warn: () => {} };
  zeroContents(await openThroughCache(world, request, { ...cache, patienceMs: 60_000 }));
  const asked = Promise.withResolvers<void>();
  const store = world.storeWith({
    async get(key, { maxBytes }) {
      if (key !== MANIFEST_KEY) await asked.promise;
      return world.store.get(key, { maxBytes });
    },
  });
  const contents = await openThroughCache(world.with({ store }), request, { ...cache, patienceMs: 1 });
  expect(contents.items.get("A")?.data.exposeText()).toBe("1");
  const late = collectSecrets();
  asked.resolve();
  await vi.waitFor(() => {
    expect(late.length).toBeGreaterThan(1);
    expect(late.filter(isNotZero)).toEqual([]);
  }, 20_000);
  zeroContents(contents);
});

/** A server that accepts connections and sends nothing. `asked` resolves once it has received something. */
async function silentStore(vault: DirectoryVault): Promise<{ readonly config: string; readonly asked: Promise<void> }> {
  const sockets = new Set<Socket>();
  const asked = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("data", () => asked.resolve());
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fields = { endpoint, credentials: undefined, accessKeyId: "A", secretAccessKey: "S" };
  return { config: vault.configWith(fields as unknown as Partial<RuntimeToken>), asked: asked.promise };
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const before = (await readFile(path)).toString("latin1");
  await writeFile(path, Buffer.from(change(before), "latin1"));
}
