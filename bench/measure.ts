import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_COST } from "../src/crypto/kdf-cost.ts";
import { measureAudit } from "./groups/audit.ts";
import { measureGrowth } from "./groups/growth.ts";
import { measureHerds } from "./groups/herds.ts";
import { measureLibraryOpen } from "./groups/library-open.ts";
import { measureLibraryRotate } from "./groups/library-rotate.ts";
import { measureLocalOpen } from "./groups/local-open.ts";
import { measureMemory } from "./groups/memory.ts";
import { measurePeers } from "./groups/peers.ts";
import { countRequests } from "./groups/requests.ts";
import { measureStartUp } from "./groups/start-up.ts";
import { Launcher } from "./launcher.ts";
import { machineHere, versionsHere } from "./machine.ts";
import { type Herd, type Peer, RESULTS_FORMAT, type RequestCount, type Results, type Row } from "./results.ts";
import { programsHere, type Scale, type World } from "./world.ts";

/** What the groups found so far. */
interface Found {
  rows: Row[];
  requests: RequestCount[];
  herds: Herd[];
  peers: Peer[];
}

type Group = (world: World, found: Found) => Promise<void>;

const rowsOf =
  (group: (world: World) => Promise<readonly Row[]>): Group =>
  async (world, found) =>
    void found.rows.push(...(await group(world)));

const GROUPS: Readonly<Record<string, Group>> = {
  "start-up": rowsOf(measureStartUp),
  open: rowsOf(measureLocalOpen),
  "library-open": rowsOf(measureLibraryOpen),
  "library-rotate": rowsOf(measureLibraryRotate),
  growth: rowsOf(measureGrowth),
  memory: rowsOf(measureMemory),
  audit: async (world, found) => {
    const { rows, requests } = await measureAudit(world);
    found.rows.push(...rows);
    found.requests.push(...requests);
  },
  herds: async (world, found) => void found.herds.push(...(await measureHerds(world))),
  peers: async (world, found) => {
    const { rows, peers } = await measurePeers(world);
    found.rows.push(...rows);
    found.peers.push(...peers);
  },
  requests: async (world, found) => void found.requests.push(...(await countRequests(world))),
};

export const GROUP_NAMES = Object.keys(GROUPS);

/** Runs the groups of that name, or all of them. */
export async function measure(scale: Scale, only: readonly string[], say: (line: string) => void): Promise<Results> {
  const startMs = performance.now();
  const programs = programsHere();
  const scratch = await mkdtemp(join(await realpath(tmpdir()), "vsync-bench-"));
  const found: Found = { rows: [], requests: [], herds: [], peers: [] };
  try {
    await using launcher = await Launcher.start();
    for (const [name, group] of Object.entries(GROUPS)) {
      if (only.length > 0 && !only.includes(name)) continue;
      say(`${name} (${Math.round((performance.now() - startMs) / 1000)} s)`);
      await group({ scale, launcher, programs, scratch, say }, found);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return {
    format: RESULTS_FORMAT,
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - startMs) / 1000),
    machine: machineHere(),
    versions: versionsHere(programs),
    kdf: DEFAULT_COST,
    ...found,
  };
}
