import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import type { Command } from "../support/program/commands.ts";
import { machineOnDisk, OLD } from "../support/program/machine.ts";
import { configure, createVaultAt, type Place } from "../support/program/s3-machine.ts";
import { openSandbox, type Sandbox } from "../support/program/sandbox.ts";
import { installProgram, outsideOf, type Ran, type Scene, Shell } from "../support/program/shell.ts";
import { startStrictS3 } from "../support/strict-s3/server.ts";
import type { User } from "../support/strict-s3/users.ts";
import { ROOT, type Step } from "./page.ts";
import { NEW_KEY, STAND_INS } from "./stand-ins.ts";

/** A scene that can be disposed of. */
export interface SetScene extends Scene, AsyncDisposable {}

/**
 * The start of a section. `vault`: at generation 1 in a directory; `bucket`: the same in a bucket; `fresh`: without a vault;
 * `app`: a vault with a file, and an app's two variables.
 */
export type Start = "vault" | "bucket" | "fresh" | "app";

/** In every vault of the pages and its dotenv file, though no page mentions it: a runbook must not remove it. */
export const UNTOLD = { name: "UNTOLD", data: "no page mentions this" };
const ITEMS = [{ name: "DATABASE_URL", data: "postgres://planted-secret-value" }, UNTOLD];

/** The files in every repository of the pages. */
const FILES = {
  "../outside/run/secrets/API_KEY": "of-elsewhere\n",
  "package.json": '{"name":"api","type":"module"}\n',
  ".env.prod": "DATABASE_URL=postgres://app:s3cret@db.internal/app\nSESSION_SECRET=9f2c\n",
  "ca.pem": "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n",
};
const STRANGERS = join(import.meta.dirname, "../support/strangers");
const KEY = { accessKeyId: "AKIDOFANN", secretAccessKey: "secret/of+ann" };
const READER: User = {
  accessKeyId: NEW_KEY.AccessKeyId,
  secretAccessKey: NEW_KEY.SecretAccessKey,
  grants: [{ actions: ["s3:GetObject"], prefix: "api/prod/" }],
};

/** @param holdsMore whether the vault holds `UNTOLD` */
export async function setScene(start: Start, holdsMore = false): Promise<SetScene> {
  if (start === "bucket") return bucketScene(holdsMore);
  if (start === "app") return appScene();
  const machine = start === "vault" ? await machineOnDisk(holdsMore ? ITEMS : ITEMS.slice(0, 1)) : null;
  const sandbox = machine?.sandbox ?? (await openSandbox());
  await giveFiles(sandbox, holdsMore && start !== "fresh");
  const scene = { sandbox, env: start === "vault" ? { VSYNC_PASSPHRASE: OLD } : {}, values: {} };
  await furnish(scene);
  return { ...scene, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}

async function bucketScene(holdsMore: boolean): Promise<SetScene> {
  const server = await startStrictS3({ users: [KEY, READER], buckets: ["acme-secrets"], region: "eu-central-1" });
  const sandbox = await openSandbox();
  const place: Place = { endpoint: server.endpoint, region: server.region, bucket: "acme-secrets", ...KEY };
  await createVaultAt(place, holdsMore ? ITEMS : ITEMS.slice(0, 1));
  await configure(sandbox, place);
  await giveFiles(sandbox, holdsMore);
  await sandbox.write("work/key", KEY.secretAccessKey);
  const { accessKeyId, secretAccessKey } = KEY;
  const env = { VSYNC_PASSPHRASE: OLD, VSYNC_ACCESS_KEY: accessKeyId, VSYNC_SECRET_KEY: secretAccessKey };
  const ambient = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const scene = { sandbox, env: { ...env, ...ambient }, endpoint: server.endpoint, values: { "AKIA…": accessKeyId } };
  await furnish(scene);
  return {
    ...scene,
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

async function appScene(): Promise<SetScene> {
  const scene = await setScene("vault");
  const { sandbox, env } = scene;
  await sandbox.write("work/sa.json", '{"type":"service_account"}');
  const pushed = await sandbox.run(["push", "prod", "--file=sa.json=sa.json", "--yes"], { env });
  const minted = await sandbox.run(["runtime-token", "--env=prod"], { env });
  if (pushed.exitCode !== 0 || minted.exitCode !== 0) throw new Error(pushed.stderr + minted.stderr);
  const esbuild = join(await fetchPackages(STRANGERS), "node_modules/esbuild");
  await mkdir(join(sandbox.work, "node_modules/.bin"));
  await symlink(join(esbuild, "bin/esbuild"), join(sandbox.work, "node_modules/.bin/esbuild"));
  return { ...scene, env: { ...env, VSYNC_CONFIG: minted.stdout.trimEnd() } };
}

async function giveFiles(sandbox: Sandbox, holdsMore: boolean): Promise<void> {
  const untold = holdsMore ? `${UNTOLD.name}=${UNTOLD.data}\n` : "";
  const files = { ...FILES, ".env.prod": FILES[".env.prod"] + untold };
  for (const [name, text] of Object.entries(files)) await sandbox.write(`work/${name}`, text);
}

interface Kept {
  readonly tool: string;
  readonly args: readonly string[];
  readonly kept: Readonly<Record<string, string>>;
}

/** The calls of the stand-ins, in order. */
export async function standInCalls({ sandbox }: Scene): Promise<Kept[]> {
  const text = await readFile(join(sandbox.folder, "stand-ins.jsonl"), "utf8").catch(() => "");
  return text.split("\n").flatMap((line): Kept[] => (line === "" ? [] : [JSON.parse(line)]));
}

/** Puts the program, the stand-ins and the library where a page's commands find them. */
async function furnish({ sandbox }: Scene): Promise<void> {
  await installProgram(sandbox);
  const standIn = `"${process.execPath}" "${join(import.meta.dirname, "stand-in-process.ts")}"`;
  for (const tool of Object.keys(STAND_INS)) {
    await sandbox.write(`bin/${tool}`, `#!/bin/sh\nexec ${standIn} ${tool} "$@"\n`, 0o700);
  }
  await mkdir(join(sandbox.work, "node_modules"), { recursive: true });
  await symlink(ROOT, join(sandbox.work, "node_modules", "vsync"));
  for (const name of ["bin", "examples"]) await symlink(join(ROOT, name), join(sandbox.work, name));
  for (const name of ["etc", "media/stick", "run/secrets", "run/vsync", "srv", "var/lib", "mnt"]) {
    await mkdir(join(outsideOf(sandbox), name), { recursive: true });
  }
}

/** Runs the steps of a section in order, and merges each command's two streams as a terminal would. */
export async function runSteps(scene: Scene, steps: readonly Step[]): Promise<(Ran & { command: Command })[]> {
  await using shell = new Shell(scene);
  const ran: (Ran & { command: Command })[] = [];
  for (const [at, step] of steps.entries()) {
    if ("content" in step) {
      const file = await scene.sandbox.write(`files/${at}`, step.content);
      await shell.run(`mkdir -p "$(dirname '${step.name}')" && cp "${file}" '${step.name}'`);
    } else ran.push({ command: step, ...(await shell.run(step.text, { isMerged: true })) });
  }
  return ran;
}
