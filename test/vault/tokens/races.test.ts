import { beforeEach, describe, expect, test } from "vitest";
import type { Secret } from "../../../src/crypto/secret.ts";
import { AccessDeniedError, ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../../src/errors.ts";
import type { NamedData } from "../../../src/vault/format/item.ts";
import { MANIFEST_KEY } from "../../../src/vault/format/object-keys.ts";
import { anchorOf } from "../../../src/vault/format/tokens/anchors.ts";
import { proposeRollChange, type RollChange } from "../../../src/vault/tokens/amend-roll.ts";
import type { FaultHook } from "../../support/memory-store.ts";
import { ACTOR, committedBy, ENV, holderOf, OLD, rejection, secretsOf, World } from "../../support/world.ts";

let world: World;

beforeEach(async () => {
  world = await World.pushed({ A: "1" });
});

const isSwap = ({ key, bytes }: { key: string; bytes?: Uint8Array }): boolean =>
  key === MANIFEST_KEY && bytes !== undefined;

/** Once, between opening the vault and swapping the manifest. */
function first(act: (peer: World) => Promise<unknown>): FaultHook {
  let isDone = false;
  return {
    async before(request) {
      if (isDone || !isSwap(request)) return;
      isDone = true;
      await act(world.peer());
    },
  };
}

/** The swap is applied, and its answer lost. */
function lost(error: () => Error, then: (peer: World) => Promise<unknown> = async () => {}): FaultHook {
  let isDone = false;
  return {
    async after(request) {
      if (isDone || !isSwap(request)) return;
      isDone = true;
      await then(world.peer());
      throw error();
    },
  };
}

async function opens(credential: Secret | null, anchor: string | undefined): Promise<boolean> {
  if (credential === null) throw new TypeError("no credential");
  const { bundle } = await world.peer().openToken(credential, anchor);
  return Object.keys(secretsOf(bundle.items)).length > 0;
}

const push = (peer: World) => peer.push({ A: "2" });
const unknown = () => new OutcomeUnknownError("injected: no answer");

test("two operators who create the first tokens at once both get theirs, of one anchor", async () => {
  let theirs: Awaited<ReturnType<World["createToken"]>> | undefined;
  const machine = world.peer().failing(
    first(async (peer) => {
      theirs = await peer.createToken({ name: "theirs" });
    }),
  );
  const ours = await machine.createToken({ name: "ours" });
  const anchor = anchorOf(committedBy(ours).manifest);
  expect(await opens(ours.plan.credential, anchor)).toBe(true);
  expect(await opens(theirs?.plan.credential ?? null, anchor)).toBe(true);
  expect((await world.tokens()).map(({ claims, status }) => [claims.name, status])).toEqual([
    ["theirs", "active"],
    ["ours", "active"],
  ]);
});

test("if two operators create the same name at once, the second gets an error, or with ifAbsent has nothing to do", async () => {
  const machine = world.peer().failing(first((peer) => peer.createToken({ name: "api" })));
  expect(await rejection(machine.createToken({ name: "api" }))).toMatchObject({
    name: "InputError",
    message: expect.stringMatching(/^the token "api" exists already \(tok_/),
  });
  const again = world.peer().failing(first((peer) => peer.createToken({ name: "ci" })));
  expect((await again.createToken({ name: "ci" }, { ifAbsent: true })).committed).toBeNull();
  expect((await world.tokens()).map(({ claims }) => claims.name)).toEqual(["api", "ci"]);
});

describe.each<[string, FaultHook]>([
  ["whose answer was lost", lost(unknown)],
  ["that another commit stands on", lost(() => new ConflictError("injected: other bytes"), push)],
  ["that another commit was faster than", first(push)],
])("a swap %s", (_name, faults) => {
  test("create: the credential that was shown opens the vault", async () => {
    const { plan, committed } = await world.peer().failing(faults).createToken();
    expect(await opens(plan.credential, committed === null ? undefined : anchorOf(committed.manifest))).toBe(true);
    expect(await world.tokens()).toHaveLength(1);
    expect((await world.audit()).outstanding).toBeNull();
  });
});

describe("rotate and revoke on top of another commit", () => {
  test("make the same change again", async () => {
    await world.createToken({ name: "api" });
    const rotated = await world.peer().failing(first(push)).rotateTokens(["api"]);
    expect(await opens(rotated.plan.rotated[0]?.credential ?? null, anchorOf(committedBy(rotated).manifest))).toBe(
      true,
    );
    const revoked = await world
      .peer()
      .failing(first((peer) => peer.push({ A: "3" })))
      .revokeTokens(["api"]);
    expect(committedBy(revoked).manifest.action).toBe("token-revoke");
    expect((await world.tokens()).map(({ status }) => status)).toEqual(["revoked", "revoked"]);
  });
});

test("revoke ends the tokens that it named, not one that has taken the name since", async () => {
  await world.createToken({ name: "api" });
  const create = (peer: World) => peer.createToken({ name: "api" });
  const revoked = await world.peer().failing(lost(unknown, create)).revokeTokens(["api"]);
  expect(revoked.committed?.auditFault).toBeNull();
  expect((await world.tokens()).map(({ status }) => status)).toEqual(["revoked", "active"]);
});

describe("a change of the roll", () => {
  const swaps = (machine: World) => machine.store.requests.filter(isSwap).length;

  test("gives up after 16 tries, each beaten by another commit", async () => {
    let pushes = 0;
    const machine = world.peer().failing({
      async before(request) {
        if (isSwap(request)) await world.peer().push({ A: `other ${++pushes}` });
      },
    });
    expect(await rejection(machine.createToken())).toBeInstanceOf(ConflictError);
    expect([pushes, swaps(machine)]).toEqual([16, 16]);
    expect(await world.tokens()).toEqual([]);
  });

  test("is not tried again while an earlier try may still arrive", async () => {
    const machine = world.peer().failing({
      before(request) {
        if (isSwap(request)) throw unknown();
      },
    });
    expect(await rejection(machine.createToken())).toBeInstanceOf(OutcomeUnknownError);
    expect([swaps(machine), await world.tokens()]).toEqual([1, []]);
  });

  // Each keeps its exit code: 3, and 2 for refused credentials.
  test.each([new S3UnreachableError("injected: gone"), new AccessDeniedError("injected: 403")])(
    "fails with %s",
    async (fault) => {
      const machine = world.peer().failing({
        before(request) {
          if (isSwap(request)) throw fault;
        },
      });
      expect(await rejection(machine.createToken())).toMatchObject({
        name: fault.name,
        message: expect.stringMatching(/^injected: \w+; stale object at v=\w+ is harmless/),
      });
      expect(swaps(machine)).toBe(1);
    },
  );

  test("whose response was lost also reports its missing row, and no fault of the program", async () => {
    const creating = (fault: Error, name: string) =>
      world
        .peer()
        .failing({
          ...lost(unknown),
          before({ operation, key }) {
            if (operation === "create" && key.startsWith("audit/")) throw fault;
          },
        })
        .createToken({ name });
    const fault = new S3UnreachableError("injected: no row");
    const { committed } = await creating(fault, "api");
    expect(committed).toMatchObject({ auditFault: fault, manifest: { gen: 2, action: "token-create" } });
    expect((await world.tokens()).map(({ claims }) => claims.name)).toEqual(["api"]);
    await world.reconcile();
    expect(await rejection(creating(new TypeError("injected: a fault"), "ci"))).toBeInstanceOf(TypeError);
  });

  describe("zeroes and frees what each try has opened", () => {
    const tries: Secret[] = [];
    const lengths = () => tries.map((it) => it.expose().length);
    const proposing = (machine: World, change: RollChange<null>["change"]) =>
      proposeRollChange(
        machine,
        { holder: holderOf(OLD), expect: { env: ENV }, annotation: { actor: ACTOR } },
        {
          isDone: () => false,
          change(base) {
            tries.push(...(base.items as readonly NamedData[]).map(({ data }) => data));
            return change(base);
          },
        },
      );
    beforeEach(() => {
      tries.length = 0;
    });

    test("if others were faster, and then nothing is left to change", async () => {
      const proposal = await proposing(world.peer(), async () => {
        if (tries.length === 3) return { plan: null, amendment: null };
        await world.peer().push({ A: `faster ${tries.length}` });
        return { plan: null, amendment: { action: "test" } };
      });
      expect(await proposal.commit()).toBeNull();
      expect(lengths()).toEqual([0, 0, 0]);
    });

    test("if the outcome stays unknown", async () => {
      const machine = world.peer().failing({
        before(request) {
          if (isSwap(request)) throw unknown();
        },
      });
      const proposal = await proposing(machine, () => ({ plan: null, amendment: { action: "test" } }));
      expect(await rejection(proposal.commit())).toBeInstanceOf(OutcomeUnknownError);
      expect(lengths()).toEqual([0, 0]);
    });
  });
});

test("a rotation whose answer was lost is done: the credentials that were shown open the vault, and no others are drawn", async () => {
  await world.createToken({ name: "a" });
  await world.createToken({ name: "b" });
  const rotated = await world.peer().failing(lost(unknown)).rotateTokens("all");
  const anchor = anchorOf(committedBy(rotated).manifest);
  for (const { credential } of rotated.plan.rotated) expect(await opens(credential, anchor)).toBe(true);
  expect((await world.tokens()).map(({ status }) => status)).toEqual(["revoked", "revoked", "active", "active"]);
  expect((await world.audit()).outstanding).toBeNull();
});

test("a rotation on top of another commit keeps the credentials that were shown, for the tokens that it named", async () => {
  await world.createToken({ name: "api" });
  const machine = world.peer().failing(first((peer) => peer.createToken({ name: "new" })));
  const rotated = await machine.rotateTokens("all");
  const anchor = anchorOf(committedBy(rotated).manifest);
  expect(await opens(rotated.plan.rotated[0]?.credential ?? null, anchor)).toBe(true);
  expect((await world.tokens()).map(({ claims, status }) => [claims.name, status])).toEqual([
    ["api", "revoked"],
    ["new", "active"],
    ["api", "active"],
  ]);
});

test("if another commit has dropped the expired slots, a prune has nothing to do", async () => {
  await world.createToken({ not_after: new Date(world.clock.ms + 1000).toISOString() });
  world.clock.ms += 1000;
  const machine = world.peer().failing(first(push));
  expect(await machine.pruneTokens()).toMatchObject({ plan: { expired: [{ status: "expired" }] }, committed: null });
});

test("reports an outcome that stays unknown", async () => {
  let isLost = false;
  const machine = world.peer().failing({
    before() {
      if (isLost) throw new S3UnreachableError("injected: nothing answers any more");
    },
    after(request) {
      isLost ||= isSwap(request);
      if (isLost) throw unknown();
    },
  });
  expect(await rejection(machine.createToken())).toBeInstanceOf(OutcomeUnknownError);
});
