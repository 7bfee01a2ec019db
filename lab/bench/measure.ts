import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_COST } from "../../src/crypto/argon2id.ts";
import { measureAccessTokens } from "./groups/access-tokens.ts";
import { measureAudit } from "./groups/audit.ts";
import { measureColdStart } from "./groups/cold-start.ts";
import { measureGrowth } from "./groups/growth.ts";
import { measureHerds } from "./groups/herds.ts";
import { measureLibraryLarge } from "./groups/library-large.ts";
import { measureLibraryOpen } from "./groups/library-open.ts";
import { measureLibraryRotate } from "./groups/library-rotate.ts";
import { measureLocalOpen } from "./groups/local-open.ts";
import { measureMemory } from "./groups/memory.ts";
import { measurePeers } from "./groups/peers.ts";
import { measureQuickstart } from "./groups/quickstart.ts";
import { measureRedact } from "./groups/redact.ts";
import { countRequests } from "./groups/requests.ts";
import { measureSignedRequests } from "./groups/signed-requests.ts";
import { measureSizes } from "./groups/sizes.ts";
import { measureStartUp } from "./groups/start-up.ts";
import { measureTokens } from "./groups/tokens.ts";
import { measureUsage } from "./groups/usage.ts";
import { Launcher } from "./launcher.ts";
import { machineHere, versionsHere } from "./machine.ts";
import {
  type Herd,
  type Peer,
  RESULTS_FORMAT,
  type RequestCount,
  type Results,
  type Row,
  type Size,
} from "./results.ts";
import { programsHere, type Scale, type World } from "./world.ts";

/** The results so far. */
export interface Found {
  rows: Row[];
  requests: RequestCount[];
  herds: Herd[];
  peers: Peer[];
  sizes: Size[];
}

export type Group = (world: World, found: Found) => Promise<void>;

const rowsOf =
  (group: (world: World) => Promise<readonly Row[]>): Group =>
  async (world, found) =>
    void found.rows.push(...(await group(world)));

const GROUPS: Readonly<Record<string, Group>> = {
  "start-up": rowsOf(measureStartUp),
  "cold-start": rowsOf(measureColdStart),
  open: rowsOf(measureLocalOpen),
  redact: rowsOf(measureRedact),
  "library-open": rowsOf(measureLibraryOpen),
  "library-large": rowsOf(measureLibraryLarge),
  "library-rotate": rowsOf(measureLibraryRotate),
  "access-tokens": rowsOf(measureAccessTokens),
  usage: rowsOf(measureUsage),
  "signed-requests": rowsOf(measureSignedRequests),
  growth: rowsOf(measureGrowth),
  memory: rowsOf(measureMemory),
  audit: async (world, found) => {
    const { rows, requests } = await measureAudit(world);
    found.rows.push(...rows);
    found.requests.push(...requests);
  },
  tokens: rowsOf(measureTokens),
  herds: async (world, found) => void found.herds.push(...(await measureHerds(world))),
  peers: async (world, found) => {
    const { rows, peers } = await measurePeers(world);
    found.rows.push(...rows);
    found.peers.push(...peers);
  },
  sizes: async (_, found) => void found.sizes.push(...(await measureSizes())),
  quickstart: async (world, found) => {
    if (world.scale.withPeers) found.rows.push(...(await measureQuickstart(world)));
  },
  requests: async (world, found) => void found.requests.push(...(await countRequests(world))),
};

export const GROUP_NAMES = Object.keys(GROUPS);

/** Callbacks during a run. */
export interface Listener {
  /** Receives a line of progress. */
  readonly say: (line: string) => void;
  /** Called after each group with all results so far, so a later failure cannot lose them. */
  readonly save: (results: Results) => void;
}

/**
 * Runs groups one after another. A group that fails adds no results, and the next one follows.
 *
 * @param groups default: those named in `only`, or all of them
 * @returns the names of the groups that failed
 */
export async function measure(
  scale: Scale,
  only: readonly string[],
  { say, save }: Listener,
  groups: Readonly<Record<string, Group>> = chosen(only),
): Promise<readonly string[]> {
  const startMs = performance.now();
  const seconds = () => Math.round((performance.now() - startMs) / 1000);
  const programs = programsHere();
  const scratch = await mkdtemp(join(await realpath(tmpdir()), "vsync-bench-"));
  const found: Found = { rows: [], requests: [], herds: [], peers: [], sizes: [] };
  const failed: string[] = [];
  try {
    for (const [name, group] of Object.entries(groups)) {
      say(`${name} (${seconds()} s)`);
      try {
        // Each group has its own launcher, because a lost launcher must not fail the next groups.
        await using launcher = await Launcher.start();
        await group({ scale, launcher, programs, scratch, say }, found);
      } catch (error) {
        failed.push(name);
        say(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
      }
      save(resultsOf(found, programs, seconds()));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return failed;
}

function chosen(only: readonly string[]): Readonly<Record<string, Group>> {
  return Object.fromEntries(Object.entries(GROUPS).filter(([name]) => only.length === 0 || only.includes(name)));
}

function resultsOf(found: Found, programs: World["programs"], seconds: number): Results {
  return {
    format: RESULTS_FORMAT,
    date: new Date().toISOString().slice(0, 10),
    seconds,
    machine: machineHere(),
    versions: versionsHere(programs),
    kdf: DEFAULT_COST,
    ...found,
  };
}
