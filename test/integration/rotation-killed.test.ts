import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { proposeReconcile } from "../../src/vault/commit/reconcile.ts";
import { holding } from "../support/passphrases.ts";
import {
  type Machine,
  machineOn,
  machineOnDisk,
  machineOnRealS3,
  NEW,
  OLD,
  type Sight,
  startStrictS3,
} from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";
import { type Gate, openGate, type Stop } from "./rotation-gate.ts";

const REQUESTS = [
  "GET manifest",
  "GET bundle",
  "LIST rows",
  "GET row",
  "PUT bundle",
  "PUT manifest",
  "PUT row",
] as const;
/** From here on, everything is confirmed. */
const FIRST_LOOK = REQUESTS.indexOf("LIST rows");
const FIRST_WRITE = REQUESTS.indexOf("PUT bundle");
const SWAP = REQUESTS.indexOf("PUT manifest");
const ROW = REQUESTS.indexOf("PUT row");
const THIRD = "the passphrase of the next rotation";

const STOPS = REQUESTS.flatMap((name, at) =>
  (["before", "after"] as const).map((when) => ({ name: `${when} ${name}`, at, when })),
);
const SWAP_STOPS = STOPS.filter(({ at }) => at === SWAP);

/** A stop at one of `REQUESTS`. */
type RequestStop = Stop & { readonly at: number };

function isApplied({ at, when }: RequestStop, request: number): boolean {
  return at > request || (at === request && when === "after");
}

async function killAt(machine: Machine, gate: Gate, stop: Stop, args: readonly string[]): Promise<void> {
  const held = gate.stopAt(stop);
  const child = machine.start(["rotate-passphrase", "--env=prod", "--yes", "--generate", "--out=new", ...args]);
  const closed = once(child, "close");
  await Promise.race([held, closed.then(() => Promise.reject(new Error("it was not held")))]);
  child.kill("SIGKILL");
  await closed;
  gate.open();
}

/** The file of `--out`: it exists before the first request that leads to a write. */
function leftover(machine: Machine): Promise<string | null> {
  return readFile(`${machine.sandbox.work}/new`, "utf8").catch(() => null);
}

/** Exactly one of the two passphrases writes; the other opens nothing or, inside a grace window, reads. */
async function expectSights(machine: Machine, candidate: string | null, oldSight: Sight): Promise<void> {
  expect(await machine.sight(OLD)).toBe(oldSight);
  if (candidate === null) return;
  expect(await machine.sight(candidate)).toBe(oldSight === "writes" ? "WrongPassphraseError" : "writes");
}

function describeStore(
  name: string,
  isThere: boolean,
  allStops: typeof STOPS,
  open: (gate: (target: string) => Promise<Gate>) => Promise<Machine>,
) {
  describe.skipIf(!isThere)(`SIGKILL at every request boundary: ${name}`, () => {
    let gate: Gate;
    afterAll(() => gate?.close());
    const machineBehind = () =>
      open(async (target) => {
        gate ??= await openGate(target);
        return gate;
      });

    test("an undisturbed rotation sends these requests", async () => {
      await using machine = await machineBehind();
      gate.open();
      expect(await machine.rotate()).toMatchObject({ exitCode: 0 });
      const passed = gate.passed.map((it) => it.replace(/v=.*/, "bundle").replace(/audit.*/, "row"));
      // The list of rows and the row are requested at once.
      expect(passed.toSorted()).toEqual(REQUESTS.toSorted());
      expect(passed.filter((it) => it.startsWith("PUT"))).toEqual(REQUESTS.filter((it) => it.startsWith("PUT")));
    });

    describe.each([
      ["without grace", allStops, [], "WrongPassphraseError"],
      ["with grace", SWAP_STOPS, ["--grace=1h"], "reads"],
    ] as const)("%s", (_name, stops, args, oldSight) => {
      test.each(stops)("$name", async (stop) => {
        await using machine = await machineBehind();
        await killAt(machine, gate, stop, args);
        const candidate = await leftover(machine);
        expect(candidate !== null).toBe(stop.at >= FIRST_LOOK);
        const isRotated = isApplied(stop, SWAP);
        await expectSights(machine, candidate, isRotated ? oldSight : "writes");
        await expectChainAndNext(machine, stop, isRotated ? (candidate ?? "") : OLD);
      });
    });
  });
}

/** The chain verifies, with at most one row missing, and the next commit succeeds. */
async function expectChainAndNext(machine: Machine, stop: RequestStop, writer: string): Promise<void> {
  const gens = isApplied(stop, SWAP) ? [1, 2] : [1];
  const isOutstanding = isApplied(stop, SWAP) && !isApplied(stop, ROW);
  const newest = gens.length;
  const held = isOutstanding ? gens.slice(0, -1) : gens;
  expect(await machine.chain(writer)).toEqual({ gens: held, outstanding: isOutstanding ? newest : null });
  // Every second time `reconcile` appends the row, otherwise the next commit does.
  if (isOutstanding && stop.when === "before") {
    const request = { holder: holding(writer), expect: { env: "prod" } };
    using proposal = await proposeReconcile(machine.ports, request);
    expect((await proposal.commit())?.manifest.gen).toBe(newest);
  }
  await machine.rotateElsewhere(writer, THIRD);
  expect(await machine.chain(THIRD)).toEqual({ gens: [...gens, newest + 1], outstanding: null });
}

describe("strict server", () => {
  let server: Awaited<ReturnType<typeof startStrictS3>>;
  beforeAll(async () => {
    server = await startStrictS3({ buckets: ["strict"] });
  });
  afterAll(() => server.close());

  describeStore("the strict server", true, STOPS, async (through) => {
    server.buckets.get("strict")?.clear();
    const gate = await through(server.endpoint);
    gate.open();
    return machineOn(server, gate.endpoint);
  });
});

describe("Ctrl-C while a request is under way", () => {
  let server: Awaited<ReturnType<typeof startStrictS3>>;
  let gate: Gate;
  let machine: Machine;
  beforeEach(async () => {
    server = await startStrictS3();
    gate = await openGate(server.endpoint);
    machine = await machineOn(server, gate.endpoint);
  });
  afterEach(async () => {
    await machine[Symbol.asyncDispose]();
    await gate.close();
    await server.close();
  });

  async function interruptAt(stop: Stop, ...args: string[]): Promise<Transcript> {
    const held = gate.stopAt(stop);
    const child = machine.start(["rotate-passphrase", "--env=prod", "--yes", "--generate", ...args]);
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
    }
    const closed = once(child, "close");
    await held;
    child.kill("SIGINT");
    const [exitCode] = (await closed) as [number | null];
    gate.open();
    return { ...said, exitCode };
  }

  test("before the swap: the file is removed, nothing is printed", async () => {
    const stop = { at: FIRST_WRITE, when: "after" } as const;
    const toFile = await interruptAt(stop, "--out=new");
    expect(toFile).toMatchObject({ stdout: "", exitCode: 130 });
    expect(toFile.stderr).toContain("new is removed: the passphrase in it opens nothing\n");
    expect(await leftover(machine)).toBeNull();
    expect(await machine.sight(OLD)).toBe("writes");
  });

  test("at the swap: the file stays", async () => {
    const { stderr, exitCode } = await interruptAt({ at: SWAP, when: "after" }, "--out=new");
    expect(exitCode).toBe(130);
    expect(stderr).toContain("new stays: it may hold the passphrase that opens the vault now\n");
    expect(await machine.sight((await leftover(machine)) ?? "")).toBe("writes");
  });

  test("after the swap: it has been printed, once", async () => {
    const { stdout, exitCode } = await interruptAt({ at: ROW, when: "before" });
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/^\S+\n$/);
    expect(await machine.sight(stdout.trim())).toBe("writes");
  });
});

const real = inject("s3");
describeStore("a real S3 server", real !== null, SWAP_STOPS, async (through) => {
  const gate = await through(real?.endpoint ?? "");
  gate.open();
  const machine = await machineOnRealS3(gate.endpoint);
  if (machine === null) throw new Error("no real S3 server");
  return machine;
});

describe("SIGKILL at any moment: a directory", () => {
  const KILLS = 6;
  /** Longer than a rotation takes on an idle machine. */
  const LATEST_MS = 1200;

  test("old or new opens, never both nor neither, and nobody is blocked", async () => {
    await using machine = await machineOnDisk();
    let current = OLD;
    for (let kill = 1; kill <= KILLS; kill++) {
      const next = `the passphrase number ${kill}`;
      const env = { VSYNC_PASSPHRASE: current, VSYNC_NEW_PASSPHRASE: next };
      const child = machine.start(["rotate-passphrase", "--env=prod", "--yes"], env);
      const closed = once(child, "close");
      const timer = new AbortController();
      await Promise.race([closed, setTimeout((LATEST_MS * kill) / KILLS, undefined, { signal: timer.signal })]);
      timer.abort();
      child.kill("SIGKILL");
      const [code] = (await closed) as [number | null];
      const sights = [await machine.sight(current), await machine.sight(next)];
      const rotated = ["WrongPassphraseError", "writes"];
      if (code === 0) expect(sights).toEqual(rotated);
      else expect([rotated, ["writes", "WrongPassphraseError"]]).toContainEqual(sights);
      current = sights[1] === "writes" ? next : current;
      const { gens, outstanding } = await machine.chain(current);
      const { gen } = await machine.manifest();
      expect(gens).toEqual(Array.from({ length: outstanding === null ? gen : gen - 1 }, (_, at) => at + 1));
    }
    const last = await machine.rotate([], { VSYNC_PASSPHRASE: current });
    expect(last.exitCode, last.stderr).toBe(0);
    expect((await machine.chain(NEW)).outstanding).toBeNull();
  });
});
