import { mkdir, readdir } from "node:fs/promises";
import { fillBut, mount, remount, unmount } from "../../../test/support/disks.ts";
import { ROOT } from "../../../test/support/strict-s3/server.ts";
import type { Ending } from "./ending.ts";
import type { Aftermath } from "./judge.ts";
import type { Lane, LaneTrial } from "./lanes.ts";
import { aftermathOf, configOf, optionsOf, prepare } from "./program.ts";
import type { ProgramOperation } from "./program-operations.ts";
import { BUCKET, PREFIX } from "./s3.ts";
import { endingOfTranscript } from "./transcript-ending.ts";

interface Harm {
  readonly fault: "disk full" | "read-only";
  readonly do: (disk: string) => Promise<void>;
}

const HARMS: readonly Harm[] = [
  { fault: "disk full", do: (disk) => fillBut(disk, 0) },
  { fault: "read-only", do: async (disk) => remount(disk, "ro") },
];

/** A command line with one folder on a disk that cannot be written. */
interface OnDisk {
  readonly operation: ProgramOperation;
  readonly what: "config folder" | "folder of --out";
  /** Whether this machine already has a config. */
  readonly isConfigured: boolean;
  /** The expected stderr and the allowed exit codes. */
  readonly says: RegExp;
  readonly codes: readonly number[];
}

/** The commands that write this machine's config or `--out`, on a full disk and on a read-only one. */
export function programDiskTrials(operations: readonly ProgramOperation[]): readonly LaneTrial[] {
  const named = (name: string) => operations.filter((operation) => operation.name === name);
  const says = /is not remembered on this machine/;
  const config = { what: "config folder", isConfigured: true, says, codes: [] } as const;
  const writing = ["first push", "push", "set", "rotate", "rotate with grace"].flatMap(named);
  const cases: readonly OnDisk[] = [
    ...writing.map((operation) => ({ ...config, operation })),
    ...named("first push").map((push) => ({ ...config, ...initOf(push) })),
    ...named("rotate").map((rotate) => outOf(rotate)),
    ...["tokens create", "tokens rotate"].flatMap(named).map(tokenOutOf),
  ];
  return cases.flatMap((it) => HARMS.map((harm) => trialOf(it, harm)));
}

function initOf({ name: _, stdin: __, ...first }: ProgramOperation): Omit<OnDisk, "what"> {
  const operation = { ...first, name: "init", args: ["init", "--env=prod"], after: first.before };
  return { operation, isConfigured: false, says: /cannot write .*prod\.json/, codes: [1] };
}

function outOf({ env: _, ...rotate }: ProgramOperation): OnDisk {
  const operation = { ...rotate, args: [...rotate.args, "--generate", "--out=../disk/new"] };
  return { operation, what: "folder of --out", isConfigured: true, says: /cannot write \.\.\/disk\/new/, codes: [1] };
}

function tokenOutOf({ out: _, ...operation }: ProgramOperation): OnDisk {
  const args = operation.args.map((arg) => (arg.startsWith("--out=") ? "--out=../disk/new" : arg));
  const says = /cannot write \.\.\/disk\/new/;
  return { operation: { ...operation, args }, what: "folder of --out", isConfigured: true, says, codes: [1] };
}

function trialOf(it: OnDisk, harm: Harm): LaneTrial {
  const { operation, what } = it;
  return (lane) => ({
    level: "program",
    operation,
    fault: harm.fault,
    detail: what,
    run: () => onDisk(it, harm, lane),
  });
}

async function onDisk(it: OnDisk, harm: Harm, lane: Lane): Promise<Aftermath> {
  const disk = `${lane.sandbox.folder}/disk`;
  await prepare(it.operation, lane);
  await mkdir(disk, { recursive: true });
  mount(disk, "size=256k");
  try {
    if (it.isConfigured)
      await lane.sandbox.write("disk/vsync/api/prod.json", configOf(it.operation.world, lane.server));
    await harm.do(disk);
    const ending = await endingOn(it, lane, disk);
    return aftermathOf(it.operation, lane, ending, true);
  } finally {
    unmount(disk);
  }
}

async function endingOn(it: OnDisk, lane: Lane, disk: string): Promise<Ending> {
  const { operation, codes, says } = it;
  const options = optionsOf(operation);
  const home = it.what === "config folder" ? { XDG_CONFIG_HOME: disk } : {};
  const args = it.isConfigured ? operation.args : [...operation.args, ...placeOf(lane)];
  const env = { ...options.env, ...home, VSYNC_SECRET_KEY: ROOT.secretAccessKey };
  const transcript = await lane.sandbox.run(args, { ...options, env });
  if (!says.test(transcript.stderr)) return { said: "crashed", message: `it did not say so: ${transcript.stderr}` };
  const left = await leftOn(disk, lane);
  if (left.length > 0) return { said: "crashed", message: `it left ${left.join(", ")}` };
  return endingOfTranscript(operation, transcript, codes);
}

function placeOf({ server: { endpoint, region } }: Lane): string[] {
  return [
    `--endpoint=${endpoint}`,
    `--region=${region}`,
    `--bucket=${BUCKET}`,
    `--prefix=${PREFIX}`,
    `--access-key=${ROOT.accessKeyId}`,
  ];
}

/** Stray files, and leftovers of the proof of a bucket. */
async function leftOn(disk: string, { server }: Lane): Promise<readonly string[]> {
  const files = await readdir(disk, { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map(({ name }) => name);
  const probes = [...(server.buckets.get(BUCKET)?.keys() ?? [])].filter((key) => key.includes("/probe-"));
  return [...names.filter((name) => name !== "prod.json" && name !== "filler"), ...probes];
}
