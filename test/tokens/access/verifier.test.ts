import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { S3UnreachableError } from "../../../src/errors.ts";
import type { VerifySnapshot } from "../../../src/tokens/access/verify.ts";
import { createClientCredentialsToken, createTokenVerifier } from "../../../src/tokens/index.ts";
import { NOW_MS, snapshotOf, type TokenHere, tokenHere } from "./access-world.ts";

let owner: TokenHere;
let stranger: TokenHere;
beforeAll(async () => {
  [owner, stranger] = await Promise.all([tokenHere(1), tokenHere(2)]);
});

let atMs: number;
let asked: number;
let answer: VerifySnapshot | Error;
const vault = {
  async readVerify() {
    asked++;
    if (answer instanceof Error) throw answer;
    return answer;
  },
};
const clock = { nowMs: () => atMs };
const UNREACHABLE = new S3UnreachableError("no answer");
const minutes = (count: number): void => void (atMs += count * 60_000);
const token = (of: TokenHere): string => createClientCredentialsToken(of, { expiresInSeconds: 3600, clock }).token;

beforeEach(() => {
  atMs = NOW_MS;
  asked = 0;
  answer = snapshotOf([owner]);
});

describe("a verifier asks the vault", () => {
  test("once a minute for all tokens, even simultaneous ones", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    const jwt = token(owner);
    await Promise.all([verifier.verify(jwt), verifier.verify(jwt)]);
    atMs += 44_999;
    await verifier.verify(jwt);
    expect(asked).toBe(1);
    minutes(1);
    await Promise.all([verifier.verify(jwt), verifier.verify(jwt)]);
    expect(asked).toBe(2);
  });

  test("in the background before the minute is over, so nobody waits", async () => {
    let slow: Promise<VerifySnapshot> | null = null;
    const verifier = createTokenVerifier({ vault: { readVerify: () => slow ?? vault.readVerify() }, clock });
    const jwt = token(owner);
    await verifier.verify(jwt);
    const { promise, resolve } = Promise.withResolvers<VerifySnapshot>();
    slow = promise;
    atMs += 45_000;
    await verifier.verify(jwt);
    resolve(snapshotOf([], { gen: 2, ended: [owner.stored.id] }));
    await promise;
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "revoked" });
  });

  test("and waits at most five seconds for a slow store while it has an older answer", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let slow: Promise<VerifySnapshot> | null = null;
    const verifier = createTokenVerifier({ vault: { readVerify: () => slow ?? vault.readVerify() }, clock });
    const jwt = token(owner);
    await verifier.verify(jwt);
    const { promise, resolve } = Promise.withResolvers<VerifySnapshot>();
    slow = promise;
    minutes(1);
    const first = verifier.verify(jwt);
    await vi.advanceTimersByTimeAsync(5_000);
    await first;
    await verifier.verify(jwt);
    resolve(snapshotOf([], { gen: 2, ended: [owner.stored.id] }));
    await promise;
    await vi.advanceTimersByTimeAsync(0);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "revoked" });
    slow = new Promise(() => undefined);
    minutes(5);
    const stale = expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "stale" });
    await vi.advanceTimersByTimeAsync(5_000);
    await stale;
  });

  test("often enough for a revocation to take effect within the minute", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    const jwt = token(owner);
    await verifier.verify(jwt);
    answer = snapshotOf([], { gen: 2, ended: [owner.stored.id] });
    minutes(1);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "revoked" });
  });

  test("for a token that it does not know, at most once in ten seconds", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    await verifier.verify(token(owner));
    const jwt = token(stranger);
    atMs += 9_999;
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "unknown_key" });
    expect(asked).toBe(1);
    answer = snapshotOf([owner, stranger], { gen: 2 });
    atMs += 1;
    await expect(verifier.verify(jwt)).resolves.toMatchObject({ tokenId: stranger.stored.id });
    expect(asked).toBe(2);
  });

  test("not for a token that is malformed", async () => {
    await expect(createTokenVerifier({ vault, clock }).verify("a.b.c")).rejects.toMatchObject({ reason: "malformed" });
    expect(asked).toBe(0);
  });
});

describe("without an answer", () => {
  test("the first call says why; the next one asks again", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    answer = UNREACHABLE;
    await expect(verifier.verify(token(owner))).rejects.toBe(UNREACHABLE);
    answer = snapshotOf([owner]);
    await verifier.verify(token(owner));
  });

  test("the last one is used four times; the fifth time it is stale, until the vault answers", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    const jwt = token(owner);
    await verifier.verify(jwt);
    answer = UNREACHABLE;
    for (let time = 1; time <= 4; time++) {
      minutes(1);
      await verifier.verify(jwt);
    }
    minutes(1);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "stale" });
    expect(asked).toBe(6);
    answer = snapshotOf([owner]);
    minutes(1);
    await verifier.verify(jwt);
  });

  test("an idle verifier does not trust what it knew hours ago", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    await verifier.verify(token(owner));
    answer = UNREACHABLE;
    minutes(30);
    await expect(verifier.verify(token(owner))).rejects.toMatchObject({ reason: "stale" });
  });

  test("a verifier never goes back to an older generation", async () => {
    const verifier = createTokenVerifier({ vault, clock });
    answer = snapshotOf([], { gen: 7, ended: [owner.stored.id] });
    const jwt = token(owner);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "revoked" });
    answer = snapshotOf([owner], { gen: 6 });
    minutes(1);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "revoked" });
    minutes(4);
    await expect(verifier.verify(jwt)).rejects.toMatchObject({ reason: "stale" });
  });
});

test("an age of more than a minute is refused", () => {
  expect(() => createTokenVerifier({ vault, maxAgeSeconds: 61 })).toThrow("1\u202660");
});

test("the authority explains which layer and which grant allow", async () => {
  const grants = [{ projects: ["other"] }, { projects: ["project-id"] }];
  const limited = await tokenHere(3, { permissions: ["api.tokens.create", "tunnels.tunnels.list"], grants });
  answer = snapshotOf([limited]);
  const authority = await createTokenVerifier({ vault, clock }).verify(token(limited));
  const list = { root: "tunnels", operation: "list" };
  expect(authority.explain({ ...list, project: "project-id" }).verdicts).toEqual([
    { layer: "stored", allowed: true, grants: [1] },
    { layer: "access", allowed: true, grants: [] },
  ]);
  expect(authority.explain({ ...list, project: "third" }).decision).toEqual({
    allowed: false,
    layer: "stored",
    reason: "none of its grants allows tunnels list",
  });
});
