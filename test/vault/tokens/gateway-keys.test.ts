import { beforeEach, describe, expect, test } from "vitest";
import { gatewayViewOf, originViewOf, signingKeyFor } from "../../../src/backend/views.ts";
import type { Secret } from "../../../src/crypto/secret.ts";
import type { GivenClaims } from "../../../src/vault/tokens/create.ts";
import { readGatewayKeys } from "../../../src/vault/tokens/gateway-keys.ts";
import { ENV, HOUR_MS, holderOf, NEW, OLD, rejection, World } from "../../support/world.ts";

const SETTINGS = {
  min_tls: "1.3",
  backends: [
    { id: "api", default: true, meters: ["tokens"] },
    { id: "web", profile: "x-fs", maxAgeSeconds: 30 },
  ],
  routes: [
    { id: "jobs.create", method: "POST", path: "/v1/jobs", meters: ["tokens"] },
    { id: "pages", method: "GET", path: "/*", backend: "web" },
  ],
  meters: [{ key: "tokens", unit: "1" }, { key: "pages" }],
};
const GATEWAY = { name: "gateway", permissions: ["api.gateway.sign", "api.tokens.verify"] };
const ORIGIN = { name: "api", backend: "api", capabilities: ["gateway_verification", "metering"] };
const SECOND = 1000;

let world: World;
beforeEach(async () => {
  world = await World.pushed();
  await world.settings(SETTINGS);
  await world.rotateGatewayKeys();
});

async function created(claims: Partial<GivenClaims>): Promise<Secret> {
  const { credential } = (await world.createToken(claims)).plan;
  if (credential === null) throw new TypeError("no token was created");
  return credential;
}

const gateway = async (credential: Secret) => gatewayViewOf(await world.tokenSnapshot(credential));
const origin = async (credential: Secret) => originViewOf(await world.tokenSnapshot(credential));
const kids = (keys: readonly { readonly kid: string }[]): string[] => keys.map(({ kid }) => kid);

/** How long each of the vault's keys verifies, in seconds from now; null for ever. */
async function ends(by = OLD): Promise<(number | null)[]> {
  const { roll } = (await world.writable(by)).tokens;
  const left = (end: string) => (Date.parse(end) - world.clock.ms) / SECOND;
  return (roll.gateway_keys ?? []).map(({ not_after }) => (not_after === undefined ? null : left(not_after)));
}

describe("a slot", () => {
  test("gives an origin its own backend, public keys and the usage key, and no private key", async () => {
    const snapshot = await world.tokenSnapshot(await created(ORIGIN));
    expect(snapshot).toMatchObject({ signers: [], usageKey: expect.stringMatching(/=$/) });
    expect(originViewOf(snapshot)).toMatchObject({
      backend: { id: "api", profile: "rfc9421", maxAgeSeconds: 60, maxStaleMinutes: 60, transportMode: "direct" },
      keys: [{ kid: expect.stringMatching(/^gw_[0-9a-f]{16}$/), not_before: "2026-01-01T00:00:00.000Z" }],
    });
    expect(snapshot.settings).toEqual({
      backends: [SETTINGS.backends[0]],
      routes: [SETTINGS.routes[0]],
      meters: [SETTINGS.meters[0]],
    });
  });

  test("without a backend is the default's; one that neither verifies nor meters learns nothing", async () => {
    expect((await origin(await created({ capabilities: ["gateway_verification"] }))).backend.id).toBe("api");
    const [plain, other] = [await created({}), await created({ capabilities: ["health"] })];
    for (const credential of [plain, other]) {
      expect(await world.tokenSnapshot(credential)).toMatchObject({ gatewayKeys: [], settings: null });
      expect(await rejection(origin(credential))).toMatchObject({ name: "ConfigInvalidError" });
    }
  });

  test("gives a gateway all of it; `verify` keeps only what binds tokens", async () => {
    const snapshot = await world.tokenSnapshot(await created(GATEWAY));
    const view = gatewayViewOf(snapshot);
    expect(view.routes.map(({ id, backend }) => [id, backend])).toEqual([
      ["jobs.create", "api"],
      ["pages", "web"],
    ]);
    expect(view.backends.map(({ profile }) => profile)).toEqual(["rfc9421", "x-fs"]);
    expect(view).toMatchObject({
      defaultBackend: { id: "api" },
      known: { snapshot: { verify: { tokens: [{ id: snapshot.claims.id }] }, ended: [] } },
    });
    expect(snapshot.verify?.verify.settings).toEqual({ min_tls: "1.3" });
  });

  test("gives an edge gateway only the keys and backends of its own", async () => {
    await world.rotateGatewayKeys({ backends: ["web"] });
    const edge = await gateway(await created({ ...GATEWAY, name: "edge", backend: "web" }));
    const whole = await gateway(await created(GATEWAY));
    const [api, web] = [
      await origin(await created(ORIGIN)),
      await origin(await created({ ...ORIGIN, name: "web", backend: "web" })),
    ];
    expect(edge.signingKeys).toMatchObject([{ backends: ["web"] }]);
    expect(edge.backends.map(({ id }) => id)).toEqual(["web"]);
    expect(kids(whole.signingKeys)).toEqual(kids(api.keys));
    expect(kids(web.keys)).toEqual([...kids(api.keys), ...kids(edge.signingKeys)]);
  });

  test("reads all, and so may verify tokens, but signs nothing", async () => {
    const { signers, verify } = await world.tokenSnapshot(await created({ capabilities: [] }));
    expect([signers, verify === null]).toEqual([[], false]);
    expect(await rejection(gateway(await created({})))).toMatchObject({ name: "ConfigInvalidError" });
  });
});

describe("a rotation", () => {
  test("signs with the new key after 120 s, and the old one verifies until the overlap's end", async () => {
    const held = await created(GATEWAY);
    const [first] = kids((await gateway(held)).signingKeys);
    const { plan } = await world.rotateGatewayKeys({ overlapMs: HOUR_MS });
    const view = await gateway(held);
    expect(await ends()).toEqual([3600, null]);
    const signing = (afterMs: number) => signingKeyFor(view, "api", world.clock.ms + afterMs)?.kid;
    expect([signing(0), signing(120 * SECOND - 1)]).toEqual([first, first]);
    expect([signing(120 * SECOND), signing(2 * HOUR_MS)]).toEqual([plan.made?.key.kid, plan.made?.key.kid]);
    world.clock.ms += HOUR_MS;
    await world.push({ A: "2" });
    expect(await ends()).toEqual([null]);
    expect(kids((await gateway(held)).signingKeys)).toEqual([plan.made?.key.kid]);
  });

  test("of the passphrase, a restore and a push carry keys and settings; after a leak all are drawn anew", async () => {
    const held = await created(GATEWAY);
    const usage = (await world.tokenSnapshot(await created(ORIGIN))).usageKey;
    const before = await world.tokenSnapshot(held);
    await world.push({ A: "2" });
    await world.restore(1);
    await world.rotate(OLD, NEW);
    expect(await world.tokenSnapshot(held)).toMatchObject({ signers: before.signers, settings: before.settings });
    await world.rotate(NEW, "a third", { leaked: { tokens: "keep" } });
    expect(await ends("a third")).toEqual([300, null]);
    const { usage_keys } = (await world.writable("a third")).tokens.roll;
    expect(usage_keys?.map((key) => key.public === usage)).toEqual([true, false]);
  });

  test("twice leaves each key's end unchanged; when a gateway ends, all its keys end", async () => {
    await created(GATEWAY);
    await world.rotateGatewayKeys({ overlapMs: HOUR_MS });
    const { plan } = await world.rotateGatewayKeys({ overlapMs: 2 * HOUR_MS });
    expect([plan.ending.length, await ends()]).toEqual([1, [3600, 7200, null]]);
    await world.rotateGatewayKeys({ overlapMs: HOUR_MS / 2 });
    expect(await ends()).toEqual([1800, 1800, 1800, null]);
    await created({ ...GATEWAY, name: "b" });
    const revoked = await world.revokeTokens(["b"]);
    expect([revoked.plan.gatewayKeys.length, await ends()]).toEqual([4, [300, 300, 300, 300, null]]);
    await world.revokeTokens(["gateway"]);
    expect(await ends()).toEqual([null]);
  });

  test("after a leak draws a key for each list that has one, and a usage key only where there was one", async () => {
    await world.rotateGatewayKeys({ backends: ["web"], overlapMs: HOUR_MS });
    await world.rotateGatewayKeys({ overlapMs: 60 * SECOND });
    world.clock.ms += 60 * SECOND;
    await world.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
    expect(await ends(NEW)).toEqual([300, 300, null, null]);
    const { roll } = (await world.writable(NEW)).tokens;
    expect(roll.gateway_keys?.map(({ backends }) => backends)).toEqual([["web"], undefined, ["web"], undefined]);
    expect(roll.usage_keys).toBeUndefined();
    const other = await World.pushed();
    await other.settings(SETTINGS);
    await other.rotate(OLD, NEW, { leaked: { tokens: "keep" } });
    expect((await other.writable(NEW)).tokens.roll.gateway_keys).toBeUndefined();
  });
});

describe("ending a gateway", () => {
  test.each<[string, () => Promise<unknown>, (number | null)[]]>([
    ["the only one", () => world.revokeTokens(["gateway"]), [null]],
    ["one of two", () => created({ ...GATEWAY, name: "b" }).then(() => world.revokeTokens(["gateway"])), [300, null]],
    ["an origin", () => created(ORIGIN).then(() => world.revokeTokens(["api"])), [null]],
    ["by other claims", () => world.updateToken("gateway", (claims) => ({ ...claims, permissions: [] })), [null]],
    ["by another backend", () => world.updateToken("gateway", (claims) => ({ ...claims, backend: "web" })), [null]],
    ["not by other meters", () => world.updateToken("gateway", (claims) => ({ ...claims, meters: [] })), [null]],
    ["by a new credential", () => world.rotateTokens(["gateway"]), [300, null]],
    ["not by an overlap", () => world.rotateTokens(["gateway"], { overlapMs: HOUR_MS }), [null]],
  ])("%s rotates its key in the same commit", async (name, end, left) => {
    await created(GATEWAY);
    const { roll } = (await world.writable()).tokens;
    const { gen } = await world.manifest();
    await end();
    expect(await ends()).toEqual(left);
    const stays = (await world.writable()).tokens.roll.gateway_keys?.at(-1)?.kid === roll.gateway_keys?.at(-1)?.kid;
    expect(stays).toBe(name === "an origin" || name.startsWith("not"));
    expect((await world.manifest()).gen - gen).toBeLessThanOrEqual(2);
  });

  test("of an edge ends that edge's keys, and no other", async () => {
    const general = (await world.writable()).tokens.roll.gateway_keys?.[0]?.kid;
    const edge = (await world.rotateGatewayKeys({ backends: ["web"] })).plan.made?.key.kid ?? "";
    await created(GATEWAY);
    await created({ ...GATEWAY, name: "edge", backend: "web" });
    const { plan } = await world.revokeTokens(["edge"]);
    expect([kids(plan.gatewayKeys), await ends()]).toEqual([[edge], [null, null]]);
    const keys = (await world.writable()).tokens.roll.gateway_keys ?? [];
    expect(keys.map(({ backends }) => backends)).toEqual([undefined, ["web"]]);
    expect([keys[0]?.kid === general, keys[1]?.kid === edge]).toEqual([true, false]);
  });

  test("of an edge leaves time only for the list of keys that another edge shares", async () => {
    await world.rotateGatewayKeys({ backends: ["web"] });
    await world.rotateGatewayKeys({ backends: ["api", "web"] });
    await created({ ...GATEWAY, name: "web", backend: "web" });
    await created({ ...GATEWAY, name: "api", backend: "api" });
    await world.revokeTokens(["web"]);
    const keys = (await world.writable()).tokens.roll.gateway_keys ?? [];
    expect(keys.map(({ backends }) => backends)).toEqual([undefined, ["api", "web"], ["web"], ["api", "web"]]);
    expect(await ends()).toEqual([null, 300, null, null]);
  });

  test("whose key has ended makes no other", async () => {
    await world.rotateGatewayKeys({ backends: ["web"] });
    const { made } = (await world.rotateGatewayKeys({ backends: ["web"], overlapMs: HOUR_MS })).plan;
    await created({ ...GATEWAY, name: "web", backend: "web" });
    await world.revokeGatewayKey(made?.key.kid ?? "");
    world.clock.ms += HOUR_MS;
    await world.revokeTokens(["web"]);
    expect(await ends()).toEqual([null]);
  });

  test("a key that is revoked is gone with the commit, and no other", async () => {
    const [key] = (await world.writable()).tokens.roll.gateway_keys ?? [];
    await world.rotateGatewayKeys();
    await world.revokeGatewayKey(key?.kid ?? "");
    expect(await ends()).toEqual([null]);
    const { roll, gatewaySigners } = (await world.writable()).tokens;
    expect([...gatewaySigners.keys()]).toEqual(kids(roll.gateway_keys ?? []));
    expect(await rejection(world.revokeGatewayKey("gw_gone"))).toMatchObject({ code: "INPUT" });
  });
});

describe("what operators see", () => {
  test("each key with the live gateways that sign with it, and how many origins verify", async () => {
    const not_after = new Date(world.clock.ms + HOUR_MS).toISOString();
    await created({ ...GATEWAY, name: "ended", not_after });
    await created({ ...ORIGIN, name: "ended too", not_after });
    world.clock.ms += HOUR_MS;
    await created(GATEWAY);
    await created({ ...GATEWAY, name: "edge", backend: "web" });
    const { permissions } = GATEWAY;
    const unnamed = (await world.createToken({ permissions })).plan.token.id;
    await created(ORIGIN);
    await created({ capabilities: ["gateway_verification"] });
    const [first] = (await world.writable()).tokens.roll.gateway_keys ?? expect.unreachable();
    const { gen } = await world.manifest();
    const { plan, committed } = await world.rotateGatewayKeys({ overlapMs: HOUR_MS });
    const not_before = new Date(world.clock.ms).toISOString();
    const end = new Date(world.clock.ms + HOUR_MS).toISOString();
    const gateways = ["gateway", unnamed];
    expect(plan).toEqual({
      made: { key: expect.objectContaining({ not_before }), gateways },
      ending: [{ key: { ...first, not_after: end }, gateways }],
      origins: 2,
      gen,
    });
    expect(committed?.manifest).toMatchObject({ action: "gateway-keys", meta: { event: "gateway-keys" } });
    const edge = (await world.rotateGatewayKeys({ backends: ["web", "api"] })).plan;
    expect([edge.made?.key.backends, edge.made?.gateways, edge.ending]).toEqual([["api", "web"], ["edge"], []]);
    const again = (await world.rotateGatewayKeys({ backends: ["api", "web"] })).plan;
    expect(kids(again.ending.map(({ key }) => key))).toEqual([edge.made?.key.kid]);
    const { keys } = await readGatewayKeys(world, { holder: holderOf(OLD), expect: { env: ENV } });
    expect(keys.map((it) => it.gateways)).toEqual([gateways, gateways, ["edge"], ["edge"]]);
  });

  test("the keys that a revocation would end", async () => {
    await created(GATEWAY);
    await created(ORIGIN);
    const [key = expect.unreachable()] = (await world.writable()).tokens.roll.gateway_keys ?? [];
    const { made } = (await world.rotateGatewayKeys()).plan;
    const { gen } = await world.manifest();
    const { plan } = await world.revokeGatewayKey(key.kid);
    expect(plan).toEqual({
      made: null,
      ending: [{ key: expect.objectContaining({ kid: key.kid }), gateways: ["gateway"] }],
      origins: 1,
      gen,
    });
    const hintOf = async (kid: string) => ((await rejection(world.revokeGatewayKey(kid))) as { hint: string }).hint;
    expect(await hintOf(key.kid)).toBe(`it is one of ${made?.key.kid}`);
    await world.revokeGatewayKey(made?.key.kid ?? "");
    expect(await hintOf(key.kid)).toMatch(/^the vault has none/);
    expect((await world.writable()).tokens.roll).not.toHaveProperty("gateway_keys");
    expect((await readGatewayKeys(world, { holder: holderOf(OLD), expect: { env: ENV } })).keys).toEqual([]);
  });

  test("a backend that the settings lack gets no key", async () => {
    const error = await rejection(world.rotateGatewayKeys({ backends: ["web", "gone"] }));
    expect(error).toMatchObject({
      name: "InputError",
      message: `the vault's settings have no backend "gone"`,
      hint: "`vsync settings --show` shows them",
    });
    await world.settings(null);
    expect(await rejection(world.rotateGatewayKeys({ backends: ["web"] }))).toMatchObject({ name: "InputError" });
  });

  test("the snapshot of a gateway for every backend, to try one out", async () => {
    const held = await created(GATEWAY);
    const revoked = (await world.createToken()).plan.token.id;
    await world.revokeTokens([revoked]);
    await world.rotateGatewayKeys({ backends: ["web"] });
    const { signers, gatewayKeys, verify, ...own } = await world.tokenSnapshot(held);
    const snapshot = await world.operatorSnapshot();
    expect(snapshot).toMatchObject({ vault: own.vault, gen: own.gen, settings: own.settings, verify });
    const seeds = (keys: typeof signers) => keys.map(({ kid, privateKey }) => [kid, Buffer.from(privateKey)]);
    expect(seeds(snapshot.signers)).toEqual(seeds(signers));
    expect([signers.length, kids(snapshot.gatewayKeys)]).toEqual([1, kids(gatewayKeys)]);
    expect(snapshot.verify?.ended).toEqual([revoked]);
    expect(gatewayViewOf(snapshot).backends).toHaveLength(2);
    await world.revokeGatewayKey(signers[0]?.kid ?? "");
    const error = await rejection(world.operatorSnapshot());
    expect(error).toMatchObject({
      name: "InputError",
      message: "the vault has no gateway key",
      hint: expect.stringContaining("vsync gateway-keys rotate"),
    });
  });
});

test("settings are refused where they contradict themselves, with the place", async () => {
  const [api, web] = SETTINGS.backends;
  const route = (more: object) => ({
    ...SETTINGS,
    routes: [
      { id: "a", method: "GET", path: "/jobs/{id}" },
      { id: "b", method: "GET", path: "/x", ...more },
    ],
  });
  const cases: [object, string][] = [
    [{ backends: [{ ...api, verification: { required: false } }] }, "backends[0].verification.required"],
    [{ backends: [api, { ...web, default: true }] }, "backends[1].default"],
    [{ backends: [web, { id: "b" }], routes: [], meters: [] }, "backends"],
    [{ ...SETTINGS, backends: [api, api] }, "backends[1].id"],
    [{ ...SETTINGS, meters: [] }, "backends[0].meters[0]"],
    [route({ backend: "gone" }), "routes[1].backend"],
    [route({ meters: ["gone"] }), "routes[1].meters[0]"],
    [route({ meters: ["pages"] }), "routes[1].meters[0]"],
    [route({ path: "/JOBS/{name}/" }), "routes[1].path"],
    [route({ path: "/jobs/{x}", method: "*" }), "routes[1].path"],
    [route({ path: "/a?b" }), "routes[1].path"],
    [route({ path: "/%61" }), "routes[1].path"],
    [route({ method: "HEAD" }), "routes[1].method"],
    [route({ method: "POST", upgrade: true }), "routes[1].upgrade"],
    [route({ body: "signed" }), "routes[1].body"],
    [route({ maxPerRequest: { pages: 1 } }), "routes[1].maxPerRequest.pages"],
    [{ meters: [{ key: "7" }] }, "meters[0].key"],
    [route({ meters: ["tokens"], maxPerRequest: { tokens: -1 } }), "routes[1].maxPerRequest.tokens"],
    [route({ quota: 1 }), "routes[1].quota"],
    [{ backends: [{ id: "a", maxAgeSeconds: 9 }] }, "backends[0].maxAgeSeconds"],
    [{ backends: [{ id: "a", maxStaleMinutes: 1441 }] }, "backends[0].maxStaleMinutes"],
    [{ backends: [{ id: "A" }] }, "backends[0].id"],
    [{ backends: [{ id: "a", transport: {} }] }, "backends[0].transport.mode"],
    [{ meters: [{ key: "a" }, { key: "a" }] }, "meters[1].key"],
    [{ usage_retention_days: 0 }, "usage_retention_days"],
    [{ meters: Array.from({ length: 1000 }, (_, at) => ({ key: `m${at}`.padEnd(60, "_") })) }, ""],
  ];
  for (const [settings, path] of cases) {
    const given = { settings: path === "" ? "settings" : `settings.${path}` };
    expect(await rejection(world.settings(settings)), JSON.stringify(settings).slice(0, 300)).toMatchObject({
      path: given.settings,
    });
  }
});
