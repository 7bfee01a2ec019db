import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { decodeToken } from "../../../src/blob/token.ts";
import { writeDocument } from "../../../src/cli/config/config-document.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { deriveCredentialKeys, parseCredential } from "../../../src/tokens/credential.ts";
import { makeConfig } from "../../../test/cli/config-fixture.ts";
import type { RunOptions, Transcript } from "../../../test/support/program/sandbox.ts";
import { ROOT, type StrictS3 } from "../../../test/support/strict-s3/server.ts";
import { clockAt, OLD, type World } from "../../../test/support/world.ts";
import type { Ending } from "./ending.ts";
import type { Aftermath } from "./judge.ts";
import { emptied, type Lane, type LaneTrial } from "./lanes.ts";
import { type Boundary, documentedCodes, faultsAt, type Variant } from "./program-faults.ts";
import type { ProgramOperation } from "./program-operations.ts";
import { BUCKET, copyOf, EVER, fill, machineOn, PREFIX } from "./s3.ts";
import { endingOfTranscript } from "./transcript-ending.ts";

const level = "program";

/** Trials that mostly wait may run together, apart from all others. */
export interface ProgramTrials {
  readonly waiting: readonly LaneTrial[];
  readonly busy: readonly LaneTrial[];
}

/**
 * Kills the program before and after every request, and injects every `each`-th other fault. After a read equals before
 * the next request, because a read changes nothing.
 */
export async function requestTrials(
  operation: ProgramOperation,
  lane: Lane,
  { each, from }: { readonly each: number; readonly from: number },
): Promise<ProgramTrials> {
  const requests = await undisturbed(operation, lane);
  const kills = requests.flatMap((request) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    return (isRead ? [false] : [false, true]).map((isApplied) => killTrial(operation, request, isApplied));
  });
  const faults = requests
    .flatMap((request) => faultsAt(request).map((variant) => ({ request, variant })))
    .filter((_, index) => (index + from) % each === 0);
  const trialsOf = (waits: boolean) =>
    faults
      .filter(({ variant }) => variant.waits === waits)
      .map(({ request, variant }) => faultTrial(operation, request, variant));
  return { waiting: trialsOf(true), busy: [...kills, ...trialsOf(false)] };
}

/** The undisturbed command, on a vault made by a machine with another clock. */
export function clockTrial(operation: ProgramOperation, aheadMs: number): LaneTrial {
  const detail = `by ${Math.round(aheadMs / 60_000)} min since the last command`;
  return (lane) => ({
    level,
    operation,
    fault: "clock jumps back",
    detail,
    run: async () => {
      await prepare(operation, lane);
      const transcript = await run(operation, lane);
      return aftermathOf(operation, lane, await endingOf(operation, lane, transcript, []), true);
    },
  });
}

async function undisturbed(operation: ProgramOperation, lane: Lane): Promise<readonly Boundary[]> {
  await prepare(operation, lane);
  const { exitCode, stderr } = await run(operation, lane);
  if (exitCode !== 0) throw new Error(`${operation.name} fails without a fault: ${stderr}`);
  const requests = lane.server.log.map(({ method, key }, at) => ({ method, key, at }));
  const swapAt = requests.findIndex(({ method, key }) => method === "PUT" && key === `${PREFIX}manifest`);
  return requests.map((request) => ({ ...request, swapAt }));
}

function killTrial(operation: ProgramOperation, { at, method, key }: Boundary, isApplied: boolean): LaneTrial {
  const detail = `${isApplied ? "after" : "before"} request ${at + 1}, ${method} ${key}`;
  return (lane) => ({ level, operation, fault: "killed", detail, run: () => killed(operation, lane, at, isApplied) });
}

async function killed(operation: ProgramOperation, lane: Lane, at: number, isApplied: boolean): Promise<Aftermath> {
  await prepare(operation, lane);
  lane.server.faults.add({}, { kind: "hang", apply: isApplied }, 1, at);
  const child = lane.sandbox.start(operation.args, optionsOf(operation));
  child.stdout?.resume();
  child.stderr?.resume();
  const closed = once(child, "close");
  while (lane.server.log.length <= at && child.exitCode === null && child.signalCode === null) await setTimeout(5);
  child.kill("SIGKILL");
  await closed;
  const ending = await endingOf(operation, lane, { stdout: "", stderr: "", exitCode: null }, []);
  return aftermathOf(operation, lane, ending, lane.server.faults.pending === 0);
}

function faultTrial(operation: ProgramOperation, request: Boundary, variant: Variant): LaneTrial {
  const detail = `request ${request.at + 1}, ${request.method} ${request.key}, ${variant.name}`;
  return (lane) => ({
    level,
    operation,
    fault: variant.class,
    detail,
    run: async () => {
      await prepare(operation, lane);
      const pending = inject(lane.server, request.at, variant.faults);
      const transcript = await run(operation, lane);
      const met = lane.server.faults.pending < pending;
      const codes = documentedCodes(operation, request, variant);
      return aftermathOf(operation, lane, await endingOf(operation, lane, transcript, codes), met);
    },
  });
}

function inject({ faults }: StrictS3, at: number, [first, later]: Variant["faults"]): number {
  faults.add({}, first, 1, at);
  if (later !== undefined) faults.add({}, later, EVER);
  return faults.pending;
}

/** The vault in the store, the machine's config, and the command's input. */
export async function prepare(operation: ProgramOperation, lane: Lane): Promise<void> {
  const { world, files = {} } = operation;
  fill(lane.server, world);
  await emptied(lane);
  await lane.sandbox.write("home/.config/vsync/api/prod.json", configOf(world, lane.server));
  for (const [name, content] of Object.entries(files)) await lane.sandbox.write(`work/${name}`, content);
}

export function configOf({ identity, store }: World, { endpoint, region }: StrictS3): string {
  const { accessKeyId, secretAccessKey } = ROOT;
  return writeDocument(
    makeConfig({
      endpoint,
      region,
      bucket: BUCKET,
      prefix: PREFIX,
      credentials: { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) },
      vault: identity.vault,
      kdf: identity.cost,
      recipient: identity.recipient,
      seenGen: store.bucket.has("manifest") ? 1 : 0,
    }),
  );
}

function run(operation: ProgramOperation, { sandbox }: Lane): Promise<Transcript> {
  return sandbox.run(operation.args, optionsOf(operation));
}

export function optionsOf({ env, stdin }: Pick<ProgramOperation, "env" | "stdin">): RunOptions {
  return {
    env: { VSYNC_REPO: "api", VSYNC_PASSPHRASE: OLD, ...env },
    ...(stdin === undefined ? {} : { stdin }),
  };
}

async function endingOf(
  operation: Pick<ProgramOperation, "args" | "stdout" | "out" | "world">,
  { sandbox, server }: Lane,
  transcript: Transcript,
  codes: readonly number[],
): Promise<Ending> {
  const files = await readdir(`${sandbox.configFolder}/api`).catch(() => []);
  const left = files.filter((name) => name !== "prod.json" && name !== "prod.tokens");
  if (left.length > 0) return { said: "crashed", message: `it left ${left.join(", ")} in the config folder` };
  const lost = await undelivered(operation, { sandbox, server }, transcript.exitCode);
  if (lost !== null) return { said: "crashed", message: `${lost}: ${transcript.stderr}` };
  return endingOfTranscript(operation, transcript, codes);
}

/** A live token whose credential is not in the file of `--out`, or after a refusal a credential of no token. */
async function undelivered(
  { out, world }: Pick<ProgramOperation, "out" | "world">,
  { sandbox, server }: Lane,
  exitCode: number | null,
): Promise<string | null> {
  if (out === undefined) return null;
  const live = async (from: World) =>
    (await from.tokens()).filter(({ status }) => status === "active").map(({ id }) => id);
  const before = await live(world.fork());
  const made = (await live(copyOf(server, world))).filter((id) => !before.includes(id));
  const text = await readFile(`${sandbox.work}/${out}`, "utf8").catch(() => null);
  const held = text === null ? null : await idIn(text);
  if (made.some((id) => id !== held)) return "nobody has the credential of a live token";
  return made.length === 0 && held !== null && (exitCode === 1 || exitCode === 5)
    ? "it left a credential of no token"
    : null;
}

async function idIn(text: string): Promise<string> {
  using credential = parseCredential(decodeToken(text.trim()).token ?? "");
  using keys = await deriveCredentialKeys(credential);
  return keys.id;
}

/** Ends all faults and returns to this machine's time. */
export function aftermathOf(operation: ProgramOperation, { server }: Lane, ending: Ending, met: boolean): Aftermath {
  server.faults.clear();
  const world = operation.world.with({ clock: clockAt(Date.now()) });
  return { met, ending, look: async () => copyOf(server, world), next: machineOn(server, world, "patient") };
}
