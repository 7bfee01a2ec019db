import { existsSync } from "node:fs";
import { join } from "node:path";
import { RUN_JS } from "./home.ts";
import type { Launcher } from "./launcher.ts";

const ROOT = join(import.meta.dirname, "../..");

/** One way to start vsync. */
export interface Vsync {
  readonly name: "binary" | "bin/run.js";
  readonly argv: readonly string[];
}

/** The sizes and repetitions of the measurements. */
export interface Scale {
  readonly startRounds: number;
  readonly openRounds: number;
  readonly writeRounds: number;
  readonly roundTripsMs: readonly number[];
  readonly secrets: readonly number[];
  readonly bytes: readonly number[];
  readonly rotatedSecrets: readonly number[];
  /** Of the output that `run --redact` masks. */
  readonly redactedBytes: number;
  readonly auditRows: readonly number[];
  readonly herds: readonly number[];
  readonly tokens: readonly number[];
  readonly tokenRounds: number;
  /** Of usage, that are added up. */
  readonly events: number;
  readonly withPeers: boolean;
}

const MB = 1_000_000;

export const FULL: Scale = {
  startRounds: 21,
  openRounds: 15,
  writeRounds: 5,
  roundTripsMs: [0, 20, 80],
  secrets: [10, 100, 1_000, 10_000],
  bytes: [MB, 8 * MB, 64 * MB],
  rotatedSecrets: [50, 500],
  redactedBytes: 60 * MB,
  auditRows: [10, 365, 10_000],
  herds: [1, 100, 1_000],
  tokens: [0, 100, 500],
  tokenRounds: 21,
  events: 1_000_000,
  withPeers: true,
};

/** Every kind of row once, in less than a minute: to try the benchmark, not for results. */
export const QUICK: Scale = {
  startRounds: 1,
  openRounds: 1,
  writeRounds: 1,
  roundTripsMs: [0, 5],
  secrets: [10, 20],
  bytes: [MB],
  rotatedSecrets: [10],
  redactedBytes: MB,
  auditRows: [3, 10],
  herds: [1, 5],
  tokens: [0, 100],
  tokenRounds: 1,
  events: 5_000,
  withPeers: false,
};

export interface World {
  readonly scale: Scale;
  readonly launcher: Launcher;
  readonly programs: readonly Vsync[];
  /** A folder, removed at the end. */
  readonly scratch: string;
  /** Reports progress on stderr. */
  readonly say: (line: string) => void;
}

/** The binary exists after `npm run build:binary`. */
export function programsHere(): readonly Vsync[] {
  const binary = join(ROOT, "dist", "vsync");
  const runJs: Vsync = { name: "bin/run.js", argv: RUN_JS };
  return existsSync(binary) ? [{ name: "binary", argv: [binary] }, runJs] : [runJs];
}
