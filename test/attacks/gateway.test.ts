import { beforeEach, describe, expect, test } from "vitest";
import { Backend } from "../../src/backend/backend.ts";
import { Gateway, type SignedRequest } from "../../src/backend/gateway/gateway.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { gatewayViewOf, originViewOf, Views } from "../../src/backend/views.ts";
import { decodeCheckedBase64 } from "../../src/crypto/base64.ts";
import { openBox } from "../../src/crypto/box.ts";
import type { Secret } from "../../src/crypto/secret.ts";
import { hkdf } from "../../src/crypto/subkeys.ts";
import { S3UnreachableError } from "../../src/errors.ts";
import { deriveCredentialKeys, parseCredential } from "../../src/tokens/credential.ts";
import type { TokenSnapshot, TokenSource } from "../../src/tokens/snapshot.ts";
import { aadOf, parseBundle } from "../../src/vault/format/bundle-header.ts";
import { anchorOf } from "../../src/vault/format/tokens/anchors.ts";
import { openWithKeys } from "../../src/vault/open/open.ts";
import type { GivenClaims } from "../../src/vault/tokens/create.ts";
import type { RootKeys } from "../../src/vault/unlock/bundle-keys.ts";
import { CredentialHolder } from "../../src/vault/unlock/credential-holder.ts";
import { ENV, HOUR_MS, rejection, World } from "../support/world.ts";

const SETTINGS = { backends: [{ id: "api" }], routes: [{ id: "get", method: "GET", path: "/v1/{id}" }] };
const GATEWAY: Partial<GivenClaims> = { name: "gateway", permissions: ["api.gateway.sign"] };
const ORIGIN: Partial<GivenClaims> = { name: "api", backend: "api", capabilities: ["gateway_verification"] };
const SECOND = 1000;
const MINUTE = 60 * SECOND;

let world: World;
/** Whether the bucket does not respond. */
let isAway: boolean;
/** The pending requests of the processes; a step of the clock waits for them. */
let pending: Promise<unknown>[];

beforeEach(async () => {
  world = await World.pushed({ DATABASE_URL: "postgres://", STRIPE_KEY: "sk_live" });
  await world.settings(SETTINGS);
  await world.rotateGatewayKeys();
  isAway = false;
  pending = [];
});

async function created(claims: Partial<GivenClaims>): Promise<Secret> {
  const { credential } = (await world.createToken(claims)).plan;
  if (credential === null) throw new TypeError("no token was created");
  return credential;
}

/** A process that holds a token and reads the vault as the runtime does. */
function sourceOf(credential: Secret): TokenSource {
  let known: { readonly gen: number; readonly snapshot: TokenSnapshot } | null = null;
  const read = async (): Promise<TokenSnapshot> => {
    if (isAway) throw new S3UnreachableError("the bucket is away");
    const { gen } = await world.manifest();
    if (known?.gen !== gen) known = { gen, snapshot: await world.tokenSnapshot(credential) };
    return known.snapshot;
  };
  return {
    openedToken: null,
    readToken() {
      const reading = read();
      pending.push(reading.catch(() => undefined));
      return reading;
    },
  };
}

function gatewayOf(credential: Secret): Gateway {
  const { clock } = world;
  const views = new Views(sourceOf(credential), gatewayViewOf, { clock, maxStaleMinutes: () => 60 });
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  return new Gateway({ views, recorder: null, clock, random });
}

function originOf(credential: Secret): Backend<null> {
  const { clock } = world;
  const options = {
    clock,
    maxStaleMinutes: ({ backend }: { backend: { maxStaleMinutes: number } }) => backend.maxStaleMinutes,
  };
  const views = new Views(sourceOf(credential), originViewOf, options);
  const rest = { secrets: async () => null, close: async () => {}, log: () => {} };
  return new Backend({ views, replay: new NonceCache(clock), clock, ...rest });
}

const sign = (gateway: Gateway) => gateway.sign({ method: "GET", target: "/v1/7", headers: {} });

async function arrives(origin: Backend<null>, { target, headers, body }: SignedRequest): Promise<string> {
  const verifying = origin.verifyRequest({ method: "GET", target, headers, body });
  return verifying.then(
    () => "served",
    (error: { code?: string }) => error.code ?? "no code",
  );
}

/** Advances the clock second by second; each request to the vault is answered before the next step. */
async function pass(ms: number, each: () => Promise<void>): Promise<void> {
  for (const until = world.clock.ms + ms; world.clock.ms < until; world.clock.ms += SECOND) {
    await each();
    await Promise.all(pending.splice(0));
  }
}

describe("a token that reads every secret, with all that lies in the bucket,", () => {
  test("cannot open the gateway's keys, and gets none from its slot", async () => {
    await created(GATEWAY);
    const everything = await created({ name: "everything" });
    expect(await world.tokenSnapshot(everything)).toMatchObject({
      signers: [],
      verify: { vault: world.identity.vault },
    });
    const { manifest, bundle } = await world.open();
    using holder = new CredentialHolder(everything, anchorOf(manifest));
    const held = await openWithKeys(world, { holder, expect: { env: ENV } });
    using keys = held.bundle.keys as RootKeys;
    using credential = parseCredential(everything.exposeText());
    using own = await deriveCredentialKeys(credential);
    const root = keys.rootKey.expose();
    const known = [root, keys.verifyKey(), own.privateKey.expose(), own.signingKey.expose()].filter(
      (key) => key !== null,
    );
    const derived = known.flatMap((key) =>
      ["gateway", "roll", "root", "verify"].map((name) => hkdf(key, `vsync-${name}-v1`)),
    );
    const { header } = parseBundle(world.bytes(manifest.bundle.key), manifest.vault, manifest.gen);
    const box = decodeCheckedBase64(header.boxes?.["gateway"] as string);
    const opens = (key: Uint8Array): boolean => {
      try {
        openBox(key, aadOf(header, "gateway"), box, "the box");
        return true;
      } catch {
        return false;
      }
    };
    // The operator's key opens it, so the attack looks at the right box.
    const operator = bundle.keys.operatorKey?.expose() ?? new Uint8Array(32);
    expect(opens(hkdf(operator, "vsync-gateway-v1"))).toBe(true);
    expect([...known, ...derived].filter(opens)).toEqual([]);
  });

  test("cannot sign a request that an origin would serve", async () => {
    const held = await created(GATEWAY);
    const everything = await created({ name: "everything" });
    const origin = originOf(await created(ORIGIN));
    expect(await arrives(origin, await sign(gatewayOf(held)))).toBe("served");
    const stolen = await world.tokenSnapshot(everything);
    const genuine = await world.tokenSnapshot(held);
    using credential = parseCredential(everything.exposeText());
    using own = await deriveCredentialKeys(credential);
    // Under the gateway's kid, with the only private key that the attacker has.
    const signers = genuine.signers.map(({ kid }) => ({ kid, privateKey: own.signingKey.expose() }));
    const forged = { ...genuine, claims: stolen.claims, signers };
    const views = new Views({ openedToken: null, readToken: async () => forged }, gatewayViewOf, {
      clock: world.clock,
      maxStaleMinutes: () => 60,
    });
    const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
    const forger = new Gateway({ views, recorder: null, clock: world.clock, random });
    expect(await arrives(origin, await sign(forger))).toBe("bad_signature");
    expect(await rejection(gatewayOf(everything).sign({ method: "GET", target: "/v1/7", headers: {} }))).toMatchObject({
      code: "gateway_unavailable",
    });
  });
});

describe("under load", () => {
  test("a rotation refuses no request, even if the bucket is down for its first minute", async () => {
    const gateways = [gatewayOf(await created(GATEWAY)), gatewayOf(await created({ ...GATEWAY, name: "second" }))];
    const origins = [originOf(await created(ORIGIN)), originOf(await created({ ...ORIGIN, name: "second origin" }))];
    const outcomes = new Map<string, number>();
    const keys = new Set<string>();
    const load = async (): Promise<void> => {
      for (const gateway of gateways) {
        for (const origin of origins) {
          const signed = await sign(gateway);
          keys.add(/keyid="([^"]+)"/.exec(String(signed.headers["signature-input"]))?.[1] ?? "");
          const outcome = await arrives(origin, signed);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
      }
    };
    await pass(30 * SECOND, load);
    await world.rotateGatewayKeys({ overlapMs: 5 * MINUTE });
    isAway = true;
    await pass(MINUTE, load);
    isAway = false;
    await pass(6 * MINUTE, load);
    expect([...outcomes]).toEqual([["served", (30 + 60 + 360) * 4]]);
    expect(keys.size).toBe(2);
    keys.clear();
    await load();
    expect(keys.size).toBe(1);
  });

  test("nothing that a revoked gateway signs is served, and the other gateway goes on", async () => {
    const [revoked, other] = [await created(GATEWAY), await created({ ...GATEWAY, name: "other" })];
    const stolen = await world.tokenSnapshot(revoked);
    const [thief, gateway, origin] = [gatewayOf(revoked), gatewayOf(other), originOf(await created(ORIGIN))];
    await sign(thief);
    await world.revokeTokens(["gateway"]);
    const outcomes = new Set<string>();
    await pass(5 * MINUTE, async () => void outcomes.add(await arrives(origin, await sign(gateway))));
    expect([...outcomes]).toEqual(["served"]);
    expect(await rejection(sign(thief))).toMatchObject({ code: "gateway_unavailable" });
    // It has kept the key, and no longer asks the vault.
    const { clock } = world;
    const views = new Views({ openedToken: null, readToken: async () => stolen }, gatewayViewOf, {
      clock,
      maxStaleMinutes: () => 60,
    });
    const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
    const offline = new Gateway({ views, recorder: null, clock, random });
    expect(await arrives(origin, await sign(offline))).toBe("unknown_key_id");
  });

  test("a revoked origin serves nothing 60 s later", async () => {
    const [gateway, origin] = [gatewayOf(await created(GATEWAY)), originOf(await created(ORIGIN))];
    expect(await arrives(origin, await sign(gateway))).toBe("served");
    await world.revokeTokens(["api"]);
    await pass(MINUTE, async () => void (await arrives(origin, await sign(gateway))));
    expect(await arrives(origin, await sign(gateway))).not.toBe("served");
  });

  test("an outage changes nothing within maxStaleMinutes; after that, everything is refused", async () => {
    const [gateway, origin] = [gatewayOf(await created(GATEWAY)), originOf(await created(ORIGIN))];
    expect(await arrives(origin, await sign(gateway))).toBe("served");
    const signed: SignedRequest[] = [];
    isAway = true;
    for (let at = 0; at < 59; at++) {
      world.clock.ms += MINUTE;
      signed.push(await sign(gateway));
      expect(await arrives(origin, signed[at] as SignedRequest)).toBe("served");
    }
    world.clock.ms += HOUR_MS / 60;
    expect(await rejection(sign(gateway))).toMatchObject({ code: "gateway_unavailable" });
    expect(await arrives(origin, signed[58] as SignedRequest)).toBe("jwks_unavailable");
    isAway = false;
    expect(await arrives(origin, await sign(gateway))).toBe("served");
  });
});
