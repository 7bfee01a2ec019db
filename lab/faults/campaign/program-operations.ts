import { auditKey } from "../../../src/vault/format/object-keys.ts";
import { HOUR_MS, NEW, OLD, type Secrets, World } from "../../../test/support/world.ts";
import type { Sights } from "../use-cases.ts";
import type { Judged } from "./operations.ts";

/** One command line, on a vault where it has work to do. */
export interface ProgramOperation extends Judged {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** The environment and the files of the working directory, beside the passphrase that writes. */
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** The file of `--out`: it has every live token that was not there before, whatever happened. */
  readonly out?: string;
  /** The stdout of a successful run. Default: empty. */
  readonly stdout?: RegExp;
}

const A = "planted-value-of-a";
const B = "planted-value-of-b";
const C = "planted-value-of-c";
/** No message may reveal one of these. */
export const PLANTED: readonly string[] = [A, B, C, "planted-value"];

const WRONG = "WrongPassphraseError";
const NOBODY = { [OLD]: "ManifestNotFoundError", [NEW]: "ManifestNotFoundError" };
const oldOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: WRONG });
const newOnly = (gen: number, secrets: Secrets): Sights => ({ [OLD]: WRONG, [NEW]: { gen, secrets } });
const both = (gen: number, secrets: Secrets): Sights => ({ [OLD]: { gen, secrets }, [NEW]: { gen, secrets } });

/** A vault whose last commit is `aheadMs` in the future, by its maker's clock. */
async function worldOf(aheadMs: number, ...pushes: readonly Secrets[]): Promise<World> {
  const world = await World.empty("program");
  world.clock.ms = Date.now() + aheadMs - pushes.length * 1_000;
  for (const secrets of pushes) {
    world.clock.ms += 1_000;
    await world.push(secrets);
  }
  return world;
}

/** @param aheadMs the offset of the maker's clock from this machine's */
export async function programOperations(aheadMs = -1_000): Promise<readonly ProgramOperation[]> {
  return [
    ...(await pushing(aheadMs)),
    ...(await amending(aheadMs)),
    ...(await rotating(aheadMs)),
    ...(await lookingBack(aheadMs)),
    ...(await ofTokens(aheadMs)),
  ];
}

const tokens = (gen: number, ...list: readonly string[]): Sights => ({
  [OLD]: { gen, secrets: { A }, tokens: list },
  [NEW]: WRONG,
});
const LIVE = "active, sealed";
const EXPIRED = "expired, sealed";
const OUT = { out: "new.token" };

async function ofTokens(aheadMs: number): Promise<ProgramOperation[]> {
  const none = await worldOf(aheadMs, { A });
  const one = none.fork();
  await one.createToken({ name: "api", capabilities: ["metering"] });
  const start = { world: one, before: tokens(2, LIVE) };
  return [
    {
      ...OUT,
      name: "tokens create",
      world: none,
      args: ["tokens", "create", "prod", "--name=ci", "--only=A", "--expires=90d", "--out=new.token"],
      before: oldOnly(1, { A }),
      after: tokens(2, LIVE),
    },
    {
      ...OUT,
      ...start,
      name: "tokens rotate",
      args: ["tokens", "rotate", "prod", "api", "--out=new.token"],
      after: tokens(3, "revoked, not sealed", LIVE),
    },
    { ...start, name: "tokens update", args: ["tokens", "update", "prod", "api", "--only=A"], after: tokens(3, LIVE) },
    {
      ...start,
      name: "tokens revoke",
      args: ["tokens", "revoke", "prod", "api", "--yes"],
      after: tokens(3, "revoked, not sealed"),
    },
    {
      ...start,
      name: "rotate after a leak",
      args: [...ROTATE, "--leaked", "--tokens=keep"],
      env: TO_NEW,
      after: { [OLD]: WRONG, [NEW]: { gen: 3, secrets: { A }, tokens: [LIVE] } },
    },
    ...(aheadMs > 0 ? [] : [await pruning(none.fork())]),
  ];
}

/** The token has expired by this machine's clock, which a clock that jumps would undo. */
async function pruning(world: World): Promise<ProgramOperation> {
  await world.createToken({ name: "api", not_after: new Date(world.clock.ms + 100).toISOString() });
  return {
    name: "tokens prune",
    world,
    args: ["tokens", "prune", "prod"],
    before: tokens(2, EXPIRED),
    after: tokens(3, "expired, not sealed"),
  };
}

async function pushing(aheadMs: number): Promise<ProgramOperation[]> {
  const args = ["push", "prod", "--from=-", "--yes"];
  return [
    {
      name: "first push",
      world: await worldOf(aheadMs),
      args,
      stdin: `A=${A}\n`,
      before: NOBODY,
      after: oldOnly(1, { A }),
    },
    {
      name: "push",
      world: await worldOf(aheadMs, { A: "1", B }),
      args,
      stdin: `A=${A}\nC=${C}\n`,
      before: oldOnly(1, { A: "1", B }),
      after: oldOnly(2, { A, C }),
    },
    {
      name: "push over an outstanding row",
      world: await withoutRow(await worldOf(aheadMs, { A: "1" }, { A }), 2),
      args,
      stdin: `A=${A}\nC=${C}\n`,
      before: oldOnly(2, { A }),
      after: oldOnly(3, { A, C }),
    },
  ];
}

async function withoutRow(world: World, gen: number): Promise<World> {
  world.store.bucket.delete(auditKey(gen));
  return world;
}

async function amending(aheadMs: number): Promise<ProgramOperation[]> {
  const world = await worldOf(aheadMs, { A, B });
  const start = { world, before: oldOnly(1, { A, B }) };
  return [
    {
      ...start,
      name: "set",
      args: ["set", "prod", "C", "--from-file=-"],
      stdin: C,
      after: oldOnly(2, { A, B, C }),
    },
    { ...start, name: "unset", args: ["unset", "prod", "B", "--yes"], after: oldOnly(2, { A }) },
    {
      ...start,
      name: "import",
      args: ["import", "prod", "--from=-", "--format=json"],
      stdin: JSON.stringify({ C, D: B }),
      after: oldOnly(2, { A, B, C, D: B }),
    },
    {
      ...start,
      name: "open",
      args: ["run", "prod", "--", "printenv", "A"],
      stdout: new RegExp(`^${A}\n$`),
      after: start.before,
    },
  ];
}

const ROTATE = ["rotate-passphrase", "--env=prod", "--yes"];
const TO_NEW = { VSYNC_NEW_PASSPHRASE: NEW };

async function rotating(aheadMs: number): Promise<ProgramOperation[]> {
  const world = await worldOf(aheadMs, { A, B });
  const window = await worldOf(aheadMs, { A });
  await window.rotate(OLD, NEW, { graceMs: 12 * HOUR_MS });
  const start = { world, before: oldOnly(1, { A, B }), env: TO_NEW };
  return [
    { ...start, name: "rotate", args: ROTATE, after: newOnly(2, { A, B }) },
    { ...start, name: "rotate with grace", args: [...ROTATE, "--grace=1h"], after: both(2, { A, B }) },
    {
      name: "finish",
      world: window,
      args: ["rotate-passphrase", "--env=prod", "--finish", "--yes"],
      env: { VSYNC_PASSPHRASE: NEW },
      before: both(2, { A }),
      after: newOnly(3, { A }),
    },
  ];
}

async function lookingBack(aheadMs: number): Promise<ProgramOperation[]> {
  const rotated = await worldOf(aheadMs, { A });
  await rotated.rotate(OLD, NEW);
  await rotated.set({ A: B }, { by: NEW });
  const many = await worldOf(aheadMs, { A: "1" }, { A: "2" }, { A });
  await many.store.create("v=20260101T003000000Z", new TextEncoder().encode("an orphan"));
  const outstanding = await withoutRow(await worldOf(aheadMs, { A: "1" }, { A }), 2);
  return [
    {
      name: "restore",
      world: rotated,
      args: ["restore", "prod", "--gen=1", "--then-passphrase-file=old-passphrase", "--yes"],
      env: { VSYNC_PASSPHRASE: NEW },
      files: { "old-passphrase": OLD },
      before: newOnly(3, { A: B }),
      after: newOnly(4, { A }),
    },
    {
      name: "gc",
      world: many,
      args: ["gc", "prod", "--keep=1", "--older-than=0s", "--yes"],
      stdout: /^(v=\S+\n)*$/,
      before: oldOnly(3, { A }),
      after: oldOnly(4, { A }),
    },
    {
      name: "reconcile",
      world: outstanding,
      args: ["audit", "reconcile", "--env=prod"],
      before: oldOnly(2, { A }),
      after: oldOnly(2, { A }),
    },
  ];
}
