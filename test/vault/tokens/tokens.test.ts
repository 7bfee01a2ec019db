import { beforeEach, describe, expect, test } from "vitest";
import type { Secret } from "../../../src/crypto/secret.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import {
  clockAt,
  committedBy,
  HOUR_MS,
  NEW,
  OLD,
  rejection,
  type Secrets,
  secretsOf,
  World,
} from "../../support/world.ts";
import { bytesOf } from "../../vectors/bytes.ts";
import { vectorNamed } from "../../vectors/load.ts";
import type { VectorBytes } from "../../vectors/vector.ts";

const SECRETS = { DATABASE_URL: "postgres://", REDIS_URL: "redis://1", REDIS_TLS: "yes" };
/** Reads the names that start with REDIS_. */
const REDIS: Partial<GivenClaims> = {
  name: "api",
  grants: [{ scopes: { secrets: { read: { filters: { name: { regex: "^REDIS_" } } } } } }],
};

let world: World;

beforeEach(async () => {
  world = await World.pushed(SECRETS);
});

/** A vault that the independent implementation wrote. */
interface Older {
  readonly in: { readonly objects: Record<string, VectorBytes>; readonly passphrase: string; readonly now: string };
  readonly out: { readonly secrets: Secrets };
}

/** An app's secrets: its credential, and the anchor that its blob pins. */
interface Held {
  readonly credential: Secret;
  readonly anchor: string | undefined;
  readonly id: string;
}

async function created(claims: Partial<GivenClaims> = {}, by: World = world): Promise<Held> {
  const { plan, committed } = await by.createToken(claims);
  if (plan.credential === null || committed === null) throw new TypeError("no token was created");
  return { credential: plan.credential, anchor: anchorOf(committed.manifest), id: plan.token.id };
}

async function read(held: Held, by: World = world): Promise<Secrets> {
  return secretsOf((await by.openToken(held.credential, held.anchor)).bundle.items);
}

async function refused(held: Held): Promise<unknown> {
  return rejection(world.openToken(held.credential, held.anchor));
}

describe("a token", () => {
  test("reads what it was granted, today and after a push", async () => {
    const [all, redis] = [await created(), await created(REDIS)];
    expect(await read(all)).toEqual(SECRETS);
    expect(await read(redis)).toEqual({ REDIS_URL: "redis://1", REDIS_TLS: "yes" });
    await world.push({ ...SECRETS, REDIS_URL: "redis://2", REDIS_NEW: "1" });
    expect(await read(redis)).toEqual({ REDIS_URL: "redis://2", REDIS_TLS: "yes", REDIS_NEW: "1" });
  });

  test("may be the first of a vault that another program wrote before there were tokens", async () => {
    const older = vectorNamed("manifest/gen-4-set") as unknown as Older;
    const old = world.with({ store: new MemoryStore(), clock: clockAt(Date.parse(older.in.now)) });
    for (const [key, content] of Object.entries(older.in.objects)) await old.store.create(key, bytesOf(content));
    const by = { by: older.in.passphrase };
    const { plan, committed } = await old.createToken({ name: "api" }, by);
    const { bundle } = await old.openToken(plan.credential ?? expect.unreachable(), anchorOf(committed!.manifest));
    expect(secretsOf(bundle.items)).toMatchObject(older.out.secrets);
    expect(await old.secrets(older.in.passphrase)).toMatchObject(older.out.secrets);
  });

  test("outlives a rotation of the passphrase", async () => {
    const held = await created(REDIS);
    await world.rotate(OLD, NEW);
    expect(Object.keys(await read(held))).toEqual(["REDIS_URL", "REDIS_TLS"]);
  });

  test("ends with its revocation, and a restore does not bring it back", async () => {
    const held = await created(REDIS);
    await world.revokeTokens(["api"]);
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
    await world.push({ A: "1" });
    await world.restore(2);
    expect(await world.secrets()).toEqual(SECRETS);
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
  });

  test("expires at once, and its slot goes with the next commit", async () => {
    const held = await created({ not_after: new Date(world.clock.ms + HOUR_MS).toISOString() });
    expect(await read(held)).toEqual(SECRETS);
    world.clock.ms += HOUR_MS;
    expect(await refused(held)).toMatchObject({ name: "TokenExpiredError" });
    expect((await world.tokens()).map(({ status, isSealed }) => [status, isSealed])).toEqual([["expired", true]]);
    expect(committedBy(await world.pruneTokens()).manifest.action).toBe("token-prune");
    expect((await world.tokens()).map(({ isSealed }) => isSealed)).toEqual([false]);
  });

  test("cannot write, nor open older generations", async () => {
    const held = await created();
    const { unlocked } = await world.openToken(held.credential, held.anchor);
    expect(() => unlocked.requireWriter()).toThrow("a token can only read");
  });
});

describe("rotating a token", () => {
  test("keeps every byte of the claims but id and time, and ends the old credential in the same swap", async () => {
    const lists = { permissions: ["secrets.items.read"], meters: ["tokens_used"], routes: ["GET /api/*"] } as const;
    const not_after = new Date(world.clock.ms + HOUR_MS).toISOString();
    const held = await created({ ...REDIS, backend: "checkout", ...lists, not_after });
    world.clock.ms += 1_000;
    world.store.requests.length = 0;
    const { plan, committed } = await world.rotateTokens(["api"]);
    expect(world.requests.filter((it) => it === "replace manifest")).toHaveLength(1);
    const [before, after] = (await world.writable()).tokens.roll.tokens;
    if (before === undefined || after === undefined) throw new TypeError("not two records");
    const { id, created_at } = after.claims;
    expect(JSON.stringify(after.claims)).toBe(JSON.stringify({ ...before.claims, id, created_at }));
    expect([before.revoked_at, after.replaces]).toEqual([created_at, held.id]);
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
    const credential = plan.rotated[0]?.credential ?? held.credential;
    expect(await read({ ...held, credential })).toEqual({ REDIS_URL: "redis://1", REDIS_TLS: "yes" });
    const pair = { token: id, replaces: held.id };
    expect(committed?.manifest.meta).toEqual({ event: "token-rotate", tokens: [pair] });
  });

  test("after an overlap, many at once", async () => {
    const held = [await created({ name: "a" }), await created({ name: "b" })];
    const { plan } = await world.rotateTokens("all", { overlapMs: HOUR_MS });
    expect(plan.rotated.map(({ token }) => token.claims.name)).toEqual(["a", "b"]);
    for (const it of held) expect(await read(it)).toEqual(SECRETS);
    const again = await world.rotateTokens("all", { confirm: () => false });
    expect(again.plan.rotated.map(({ old }) => old.id)).toEqual(plan.rotated.map(({ token }) => token.id));
    await world.updateToken("b", (claims) => ({ ...claims, meters: [] }));
    const revoked = await world.revokeTokens(["b"], { confirm: () => false });
    expect(revoked.plan.revoked.map(({ id }) => id)).toEqual([held[1]?.id, plan.rotated[1]?.token.id]);
    world.clock.ms += HOUR_MS;
    for (const it of held) expect(await refused(it)).toMatchObject({ name: "TokenExpiredError" });
  });
});

describe("rotating a token twice", () => {
  test("within an overlap, the newest is meant; a rotation without one, or revoking the name, ends them all", async () => {
    const oldest = await created({ name: "api" });
    await world.rotateTokens(["api"], { overlapMs: 24 * HOUR_MS });
    const middle = (await world.rotateTokens(["api"], { overlapMs: HOUR_MS })).plan.rotated[0]?.old.id ?? "";
    world.clock.ms += HOUR_MS;
    expect(await read(oldest)).toEqual(SECRETS);
    const all = await world.rotateTokens("all", { confirm: () => false });
    expect(all.plan.rotated.map(({ old, ended }) => [old.replaces, ended.map(({ id }) => id)])).toEqual([
      [middle, [oldest.id]],
    ]);
    const revoked = await world.revokeTokens(["api"], { confirm: () => false });
    expect(revoked.plan.revoked.map(({ id }) => id)).toEqual([oldest.id, all.plan.rotated[0]?.old.id]);
    const { plan, committed } = await world.rotateTokens(["api"]);
    const { old, token } = plan.rotated[0] ?? expect.unreachable();
    expect(committed?.manifest.meta["tokens"]).toEqual([{ token: token.id, replaces: old.id, ended: [oldest.id] }]);
    expect(await refused(oldest)).toMatchObject({ name: "TokenRevokedError" });
  });

  test("refuses one that a live token replaces: its claims have the overlap's end", async () => {
    const held = await created();
    const { plan } = await world.rotateTokens([held.id], { overlapMs: HOUR_MS });
    expect(await rejection(world.rotateTokens([held.id]))).toMatchObject({
      message: `${held.id} is already replaced by ${plan.rotated[0]?.token.id}`,
      hint: "rotate that one",
    });
  });
});

describe("updating a token", () => {
  test("says what it gains and loses, and the credential stays", async () => {
    const held = await created(REDIS);
    const { plan } = await world.updateToken("api", ({ grants: _all, ...claims }) => claims);
    expect([plan.gains.slice(0, 2), plan.loses]).toEqual([
      ["DATABASE_URL", "everything, including names added later"],
      [],
    ]);
    expect(await read(held)).toEqual(SECRETS);
    expect((await world.updateToken("api", (claims) => claims)).committed).toBeNull();
  });

  test("renews one that expired, for 30 days", async () => {
    const endOf = (ms: number) => new Date(world.clock.ms + ms).toISOString();
    const held = await created({ name: "ci", not_after: endOf(HOUR_MS) });
    world.clock.ms += 24 * HOUR_MS;
    await world.pruneTokens();
    await world.updateToken("ci", (claims) => ({ ...claims, not_after: endOf(HOUR_MS) }));
    expect(await read(held)).toEqual(SECRETS);
    world.clock.ms += 31 * 24 * HOUR_MS;
    const renewing = world.updateToken("ci", (claims) => ({ ...claims, not_after: endOf(HOUR_MS) }));
    expect(await rejection(renewing)).toMatchObject({
      name: "InputError",
      message: expect.stringContaining("30 days"),
    });
  });
});

test("a push says which tokens gain or lose a name", async () => {
  await created(REDIS);
  await created({ name: "none", permissions: [] });
  using proposal = await world.proposePush({ REDIS_URL: "redis://1", REDIS_NEW: "1" });
  expect(proposal.plan.tokens).toMatchObject([{ name: "api", gains: ["REDIS_NEW"], loses: ["REDIS_TLS"] }]);
});

test("people name tokens by id, its start, the last four, or the name; several are an error", async () => {
  const held = [await created({ name: "api" }), await created()];
  const named = async (word: string) => (await world.revokeTokens([word], { confirm: () => false })).plan.revoked;
  const [first] = await named("api");
  if (first === undefined) throw new TypeError("no token");
  for (const word of [first.id, first.id.slice(0, 16), first.lastFour]) expect(await named(word)).toEqual([first]);
  expect(await rejection(named("no such"))).toMatchObject({ message: 'no token "no such"' });
  await created({ name: first.lastFour });
  const message = expect.stringContaining(`matches several tokens: ${held[0]?.id}`);
  expect(await rejection(named(first.lastFour))).toMatchObject({ name: "InputError", message });
});

test("if a token exists already with the same claims, in any order, nothing is written", async () => {
  const reading = (...oneof: readonly string[]) => ({
    name: "two",
    grants: [{ scopes: { secrets: { read: { filters: { name: { oneof } } } } } }],
  });
  await created(reading("A", "B"));
  await world.rotateTokens(["two"], { overlapMs: HOUR_MS });
  expect((await world.createToken(reading("B", "A"), { ifAbsent: true })).committed).toBeNull();
  const held = await created(REDIS);
  const again = await world.createToken(REDIS, { ifAbsent: true });
  expect([again.plan.token.id, again.plan.credential, again.committed]).toEqual([held.id, null, null]);
  expect(await rejection(world.createToken({ name: "api" }, { ifAbsent: true }))).toMatchObject({ name: "InputError" });
});

describe("a rotation because the passphrase leaked", () => {
  test("draws a new anchor beside the old one, until it is finished", async () => {
    const held = await created(REDIS);
    const { plan, committed } = await world.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
    expect(plan.tokens.map(({ id }) => id)).toEqual([held.id]);
    const healed = { ...held, anchor: committed === null ? undefined : anchorOf(committed.manifest) };
    expect(healed.anchor).not.toBe(held.anchor);
    expect(await read(held)).toEqual(await read(healed));
    await world.finish({ by: NEW });
    expect(await refused(held)).toMatchObject({ name: "NotAuthenticError" });
    expect(Object.keys(await read(healed))).toEqual(["REDIS_URL", "REDIS_TLS"]);
  });

  test("can end the tokens too, and gives no grace", async () => {
    const held = await created();
    const leaked = { tokens: "revoke" } as const;
    expect(await rejection(world.rotate(OLD, NEW, { leaked, graceMs: HOUR_MS }))).toMatchObject({ name: "InputError" });
    await world.rotate(OLD, NEW, { leaked });
    expect(await refused(held)).toMatchObject({ name: "TokenRevokedError" });
  });
});

test("a clock that is wrong ends no token", async () => {
  const slow = (skewMs: number) =>
    world.with({
      store: world.storeWith({
        get: async (key, options) => {
          const stored = await world.store.get(key, options);
          return stored === null ? null : { ...stored, skewMs };
        },
      }),
    });
  await slow(6 * 60_000).createToken();
  await world.createToken({ not_after: new Date(world.clock.ms + HOUR_MS).toISOString() });
  await slow(5 * 60_000).push({ A: "1" });
  expect(await rejection(slow(-6 * 60_000).push({ A: "2" }))).toMatchObject({
    name: "InputError",
    message: "this machine's clock is 6 minutes ahead of the store's, and tokens of the vault expire by it",
  });
  world.clock.ms += HOUR_MS;
  await world.push({ A: "3" });
  await slow(-HOUR_MS / 2)
    .push({ A: "4" })
    .then(
      () => expect.unreachable(),
      () => undefined,
    );
  world.clock.ms += HOUR_MS;
  await slow(-HOUR_MS / 2).push({ A: "5" });
});
