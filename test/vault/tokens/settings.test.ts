import { beforeEach, describe, expect, test } from "vitest";
import { commitGeneration } from "../../../src/vault/commit/commit.ts";
import { baseOn } from "../../../src/vault/commit/draft.ts";
import { readVaultSettings } from "../../../src/vault/tokens/settings.ts";
import { CredentialHolder } from "../../../src/vault/unlock/credential-holder.ts";
import { ACTOR, ENV, HOUR_MS, holderOf, OLD, rejection, takeAll, World } from "../../support/world.ts";

const SETTINGS = {
  min_tls: "1.3",
  countries: ["DE", "FR"],
  backends: [{ id: "api", default: true }, { id: "web" }],
  routes: [{ id: "jobs", method: "POST", path: "/jobs", meters: ["tokens"] }],
  meters: [{ key: "tokens", unit: "1" }, { key: "pages" }],
};
const REPORTS = ["gateway_verification", "metering"] as const;

let world: World;
beforeEach(async () => {
  world = await World.pushed();
});

/** The plan of a change that is not written. */
async function planned(settings: unknown) {
  return (await world.settings(settings, { confirm: () => false })).plan;
}

describe("new settings", () => {
  test("are reported under the names that people know them by", async () => {
    const { plan } = await world.settings(SETTINGS);
    const names = ["min_tls", "countries", "backend api", "backend web", "route jobs", "meter tokens", "meter pages"];
    expect(plan).toMatchObject({
      changes: { added: names, changed: [], removed: [], unchanged: [] },
      after: SETTINGS,
      tokens: [],
    });
    const { min_tls: _tls, ...others } = SETTINGS;
    const routes = [{ id: "jobs", method: "PUT", path: "/jobs" }];
    const { changes } = await planned({ ...others, routes, meters: [SETTINGS.meters[0]], trusted_ips: ["10.0.0.0/8"] });
    expect(changes).toEqual({
      added: ["trusted_ips"],
      changed: ["route jobs"],
      removed: ["min_tls", "meter pages"],
      unchanged: ["countries", "backend api", "backend web", "meter tokens"],
    });
  });

  test("the same again are not written; null removes them all, and gateway keys and tokens stay", async () => {
    await world.createToken({ name: "api" });
    await world.rotateGatewayKeys();
    expect((await world.settings(SETTINGS)).committed?.manifest).toMatchObject({
      action: "settings",
      meta: { event: "settings" },
    });
    expect((await world.settings(SETTINGS)).committed).toBeNull();
    const { roll: before } = (await world.writable()).tokens;
    const { plan } = await world.settings(null);
    expect([plan.after, plan.changes.removed, plan.gen]).toEqual([null, expect.arrayContaining(["min_tls"]), 4]);
    const { settings: _gone, ...others } = before;
    expect((await world.writable()).tokens.roll).toEqual(others);
    expect((await world.settings(null)).committed).toBeNull();
  });

  test("name the live tokens whose backend they lack", async () => {
    await world.settings(SETTINGS);
    await world.createToken({ name: "free" });
    await world.createToken({ name: "web", backend: "web" });
    const unnamed = (await world.createToken({ backend: "api" })).plan.token.id;
    await world.createToken({ backend: "web", not_after: new Date(world.clock.ms + HOUR_MS).toISOString() });
    world.clock.ms += HOUR_MS;
    expect((await planned(SETTINGS)).unbound).toEqual([]);
    expect((await planned({ backends: [{ id: "api" }] })).unbound).toEqual(["web"]);
    expect((await planned({ backends: [] })).unbound).toEqual(["web", unnamed]);
    // They had backends before, and have none now.
    for (const none of [null, {}, { min_tls: "1.3" }, { meters: [] }])
      expect((await planned(none)).unbound).toEqual(["web", unnamed]);
  });

  test("in a vault that never had backends affect no token", async () => {
    await world.createToken({ name: "web", backend: "web" });
    expect((await planned({ min_tls: "1.3" })).unbound).toEqual([]);
    expect((await planned({ meters: [] })).unbound).toEqual([]);
    expect((await planned({ backends: [] })).unbound).toEqual(["web"]);
  });

  test("name the origins that may not report what a route of theirs meters", async () => {
    const origin = { backend: "api", capabilities: REPORTS };
    await world.createToken({ ...origin, name: "all" });
    await world.createToken({ ...origin, name: "meter", meters: ["pages", "tokens"] });
    await world.createToken({ ...origin, name: "other meter", meters: ["pages"] });
    await world.createToken({ ...origin, name: "no metering", capabilities: ["gateway_verification"] });
    await world.createToken({ name: "default", capabilities: ["gateway_verification"] });
    await world.createToken({ name: "not verifying", backend: "api", capabilities: ["health"] });
    await world.createToken({ ...origin, name: "another's", backend: "web", capabilities: ["gateway_verification"] });
    const { mute } = await planned(SETTINGS);
    expect(mute.map(({ claims: { name }, route }) => [name, route.id])).toEqual([
      ["other meter", "jobs"],
      ["no metering", "jobs"],
      ["default", "jobs"],
    ]);
    const [route] = SETTINGS.routes;
    const ofTheWeb = { ...SETTINGS, routes: [{ ...route, backend: "web" }] };
    expect((await planned(ofTheWeb)).mute.map(({ claims }) => claims.name)).toEqual(["another's"]);
    const unmetered = { ...SETTINGS, routes: [{ id: "jobs", method: "POST", path: "/jobs" }] };
    expect((await planned(unmetered)).mute).toEqual([]);
    expect((await planned(null)).mute).toEqual([]);
  });
});

test("a setting of a later version keeps others from committing, and new settings take its place", async () => {
  const { vault, signingKey, tokens } = await world.writable();
  const later = { ...tokens, roll: { ...tokens.roll, settings: { max_age: 1 } } };
  const { unlock } = vault.manifest;
  const { items } = vault.bundle;
  const draft = { action: "push", actor: ACTOR, meta: {}, items, unlock, signingKey, rotates: false, tokens: later };
  await takeAll(commitGeneration(world, baseOn({ ...vault, signingKey }), () => draft));
  expect(await rejection(world.push({ A: "2" }))).toMatchObject({ name: "UnsupportedSpecVersionError" });
  expect((await world.settings({ min_tls: "1.3" })).plan.changes).toMatchObject({ removed: ["max_age"] });
  await world.push({ A: "2" });
});

describe("a token", () => {
  test("can name a backend and meters that the settings have, or any where they list none", async () => {
    const anything = { backend: "any", meters: ["any"] };
    await world.createToken(anything);
    await world.settings({ min_tls: "1.3" });
    await world.createToken(anything);
    await world.settings({ backends: [{ id: "any" }] });
    await world.createToken(anything);
    await world.settings(SETTINGS);
    await world.createToken({ backend: "web", meters: ["pages", "tokens"] });
    for (const [claims, message] of [
      [{ backend: "any" }, `the vault's settings have no backend "any"`],
      [{ meters: ["tokens", "any"] }, `the vault's settings have no meter "any"`],
    ] as const)
      expect(await rejection(world.createToken(claims))).toMatchObject({
        name: "InputError",
        message,
        hint: expect.stringContaining("vsync settings --show"),
      });
  });

  test("cannot name a meter that is a number, under which nothing could be reported", async () => {
    const error = await rejection(world.createToken({ meters: ["7a", "77"] }));
    expect(error).toMatchObject({ name: "InputError", message: "the meter 77 is a number", hint: expect.any(String) });
    await world.createToken({ meters: ["7a", "a7"] });
  });
});

describe("readVaultSettings", () => {
  const read = (holder = holderOf(OLD)) => readVaultSettings(world, { holder, expect: { env: ENV } });

  test("returns what the vault has", async () => {
    expect((await read()).settings).toBeNull();
    await world.settings(SETTINGS);
    expect(await read()).toMatchObject({ settings: SETTINGS, manifest: { gen: 2 } });
  });

  test("is for operators", async () => {
    const { plan, committed } = await world.createToken();
    const anchor = committed?.manifest.certs?.at(-1)?.anchor;
    using holder = new CredentialHolder(plan.credential ?? expect.unreachable(), anchor);
    const error = await rejection(readVaultSettings(world, { holder, expect: { env: ENV } }));
    expect(error).toMatchObject({ name: "InputError", message: "a token can only read" });
  });
});
