import { describe, expect, onTestFinished, test, vi } from "vitest";
import { withDeadline } from "../../src/runtime/deadline.ts";
import { Vsync } from "../../src/runtime/index.ts";
import { directoryVault, environmentOf, ITEMS, rejectionOf } from "./fixture.ts";
import { collectSecrets, isNotZero } from "./secrets.ts";

const never = () => new Promise<never>(() => {});
const LONG_MS = 2 ** 31 - 1;

const derivations = vi.hoisted(() => ({ begin: async () => {} }));
vi.mock("../../src/crypto/kdf.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/crypto/kdf.ts")>();
  const derivePassphraseKey: typeof original.derivePassphraseKey = async (passphrase, cost) => {
    await derivations.begin();
    return original.derivePassphraseKey(passphrase, cost);
  };
  return { ...original, derivePassphraseKey };
});

/** Delays every derivation until `release`, as on a slow machine. */
function holdDerivations(): { readonly asked: Promise<void>; release(): void } {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  derivations.begin = () => {
    asked.resolve();
    return released.promise;
  };
  onTestFinished(() => {
    derivations.begin = async () => {};
  });
  return { asked: asked.promise, release: released.resolve };
}

describe("withDeadline", () => {
  test("returns the result of the work", async () => {
    const discard = vi.fn();
    expect(await withDeadline({ timeoutMs: LONG_MS }, async () => "done", discard)).toBe("done");
    expect(discard).not.toHaveBeenCalled();
  });

  test("throws the error of the work", async () => {
    const fault = new Error("of the work");
    const work = () => Promise.reject(fault);
    expect(await rejectionOf(withDeadline({ timeoutMs: LONG_MS }, work, vi.fn()))).toBe(fault);
  });

  test("does not start after an abort", async () => {
    const work = vi.fn(never);
    const reason = new Error("too early");
    const limits = { timeoutMs: LONG_MS, signal: AbortSignal.abort(reason) };
    expect(await rejectionOf(withDeadline(limits, work, vi.fn()))).toBe(reason);
    expect(work).not.toHaveBeenCalled();
  });

  test("rejects with the signal's reason, even if the work continues", async () => {
    const reason = { of: "the caller" };
    const deaf = new AbortController();
    const ended = rejectionOf(withDeadline({ timeoutMs: LONG_MS, signal: deaf.signal }, never, vi.fn()));
    deaf.abort(reason);
    expect(await ended).toBe(reason);
    const heeding = new AbortController();
    const work = (signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("less"))));
    const heeded = rejectionOf(withDeadline({ timeoutMs: LONG_MS, signal: heeding.signal }, work, vi.fn()));
    heeding.abort(reason);
    expect(await heeded).toBe(reason);
  });

  test("ends at the deadline and tells the work", async () => {
    let told: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      told = signal;
      return never();
    };
    const error = await rejectionOf(withDeadline({ timeoutMs: 5 }, work, vi.fn()));
    const message = "the vault did not open within 5 ms";
    expect(error).toMatchObject({ code: "S3_UNREACHABLE", message, hint: expect.stringContaining("timeoutMs") });
    expect(told?.reason).toBe(error);
  });

  test("discards a late result", async () => {
    const late = Promise.withResolvers<string>();
    const discarded = Promise.withResolvers<string>();
    const work = () => late.promise;
    await rejectionOf(withDeadline({ timeoutMs: 1 }, work, discarded.resolve));
    late.resolve("late");
    expect(await discarded.promise).toBe("late");
  });

  test.each([
    ["done", async () => {}],
    ["in vain", () => Promise.reject(new Error("of the work"))],
  ])("leaves no timer where the work is %s", async (_, work) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    await withDeadline({ timeoutMs: LONG_MS }, work, vi.fn()).catch(() => {});
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    await withDeadline({ timeoutMs: LONG_MS, signal }, async () => "done", vi.fn());
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
    expect(add).toHaveBeenCalledTimes(1);
  });
});

describe("open", () => {
  test("rejects at once with the reason of an aborted signal", async () => {
    const vault = await directoryVault();
    const signal = AbortSignal.abort();
    expect(await rejectionOf(Vsync.open({ env: environmentOf(vault), signal }))).toBe(signal.reason);
  });

  test.each(["the signal", "the deadline"])(
    "%s ends it during the derivation; all is zeroed after that",
    async (what) => {
      const vault = await directoryVault();
      const secrets = collectSecrets();
      const derivation = holdDerivations();
      const controller = new AbortController();
      const limits = what === "the signal" ? { signal: controller.signal } : { timeoutMs: 50 };
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      onTestFinished(() => void vi.useRealTimers());
      const opening = rejectionOf(Vsync.open({ env: environmentOf(vault), ...limits }));
      await derivation.asked;
      if (what === "the signal") controller.abort("no longer wanted");
      else vi.advanceTimersByTime(50);
      const timeOver = { code: "S3_UNREACHABLE", message: "the vault did not open within 50 ms" };
      expect(await opening).toEqual(what === "the signal" ? "no longer wanted" : expect.objectContaining(timeOver));
      derivation.release();
      // The seed and the MAC, which opening a vault zeroes last.
      await expect.poll(() => secrets.filter((it) => it.expose().length === 32).length).toBeGreaterThanOrEqual(2);
      await expect.poll(() => secrets.filter(isNotZero)).toEqual([]);
    },
  );

  test("an abort after opening changes nothing", async () => {
    const vault = await directoryVault();
    const controller = new AbortController();
    await using v = await Vsync.open({ env: environmentOf(vault), signal: controller.signal });
    controller.abort();
    expect(v.get("API_KEY")).toBe(ITEMS[1].data);
  });
});

describe("decrypted data", () => {
  test("is zeroed: keys before, items on close", async () => {
    const vault = await directoryVault();
    const secrets = collectSecrets();
    const v = await Vsync.open({ env: environmentOf(vault) });
    const values = ITEMS.map(({ data }) => Buffer.from(data)).filter((data) => data.length > 0);
    const alive = secrets.filter(isNotZero).map((secret) => Buffer.from(secret.expose()));
    expect(alive.toSorted(Buffer.compare)).toEqual(values.toSorted(Buffer.compare));
    await v.close();
    expect(secrets.filter(isNotZero)).toEqual([]);
  });

  test("is zeroed if the passphrase is missing", async () => {
    const vault = await directoryVault();
    const secrets = collectSecrets();
    await rejectionOf(Vsync.open({ env: { VSYNC_CONFIG: vault.config } }));
    expect(secrets.map(isNotZero)).toEqual([false]);
  });

  test("is zeroed if the vault does not open", async () => {
    const vault = await directoryVault();
    const secrets = collectSecrets();
    await rejectionOf(Vsync.open({ env: { ...environmentOf(vault), VSYNC_PASSPHRASE: "wrong" } }));
    await expect.poll(() => secrets.filter(isNotZero)).toEqual([]);
    expect(secrets.length).toBeGreaterThanOrEqual(4);
  });
});
