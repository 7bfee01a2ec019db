import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMachine } from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import type { User } from "../support/strict-s3/users.ts";

/** Values that a search would find. */
const PLANTED = {
  passphrase: "planted passphrase, never seen",
  wrongPassphrase: "planted passphrase that is wrong",
  secretKey: "PlantedSecretKey/1+abc",
  wrongSecretKey: "PlantedWrongSecretKey",
  sessionToken: "PlantedSessionToken==",
  value: "planted-value-of-a-secret",
};
/** Each value in plain text, and in the encodings in which a careless writer would leak it. */
const FORMS = Object.entries(PLANTED).flatMap(([name, text]) => {
  const bytes = Buffer.from(text);
  const forms = [text, bytes.toString("base64").replace(/=+$/, ""), bytes.toString("hex"), encodeURIComponent(text)];
  return forms.map((form) => [name, form] as const);
});

function plantedIn(text: string): string[] {
  return [...new Set(FORMS.filter(([, form]) => text.includes(form)).map(([name]) => name))];
}

const OWNER: User = { accessKeyId: "OWNERKEY", secretAccessKey: PLANTED.secretKey, sessionToken: PLANTED.sessionToken };
const SECRETS = { VSYNC_PASSPHRASE: PLANTED.passphrase };
const WRONG = { VSYNC_PASSPHRASE: PLANTED.wrongPassphrase };
const KEYS = { VSYNC_SECRET_KEY: PLANTED.secretKey, VSYNC_SESSION_TOKEN: PLANTED.sessionToken };
const WRONG_KEY = ["--access-key=OWNERKEY", `--secret-key=${PLANTED.wrongSecretKey}`];

let server: StrictS3;
let sandbox: Sandbox;
beforeAll(async () => {
  server = await startStrictS3({ users: [OWNER] });
  sandbox = await openMachine();
  await sandbox.write("work/.env.prod", `DATABASE_URL=${PLANTED.value}\n`);
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
  await server.close();
});

async function run(args: readonly string[], env: Record<string, string>, exitCode: number): Promise<Transcript> {
  const transcript = await sandbox.run([...args, "--log-level=debug"], { env });
  expect({
    args,
    exitCode: transcript.exitCode,
    stderr: transcript.exitCode === exitCode ? "" : transcript.stderr,
  }).toEqual({ args, exitCode, stderr: "" });
  return transcript;
}

/** What the config holds beside the credentials, which are there for it to be used. */
async function configWithoutKeys(): Promise<string> {
  const config = JSON.parse(await readFile(join(sandbox.configFolder, "api", "prod.json"), "utf8"));
  expect(config.credentials).toMatchObject({ secretAccessKey: PLANTED.secretKey });
  return JSON.stringify({ ...config, credentials: null });
}

function stored(): string {
  const objects = [...(server.buckets.get("strict") ?? [])];
  return objects.map(([key, { bytes }]) => key + Buffer.from(bytes).toString("latin1")).join("\n");
}

test("the search finds planted secrets", () => {
  expect(plantedIn(`x${PLANTED.value}y`)).toEqual(["value"]);
  expect(plantedIn(Buffer.from(PLANTED.secretKey).toString("hex"))).toEqual(["secretKey"]);
});

const at = (): string[] => [`--endpoint=${server.endpoint}`, "--bucket=strict", "--access-key=OWNERKEY"];
const env = "--env=prod";

/** The commands in order, each on the result of those before, and the exit code that shows how far it got. */
const COMMANDS: readonly (readonly [string, () => readonly string[], Record<string, string>, number])[] = [
  ["doctor without a config", () => ["doctor", env], SECRETS, 4],
  ["init with a wrong key", () => ["init", env, ...at().slice(0, 2), ...WRONG_KEY], SECRETS, 2],
  ["init", () => ["init", env, ...at()], { ...SECRETS, ...KEYS }, 0],
  ["push", () => ["push", "prod"], SECRETS, 0],
  ["init again, with the wrong passphrase", () => ["init", env, "--reset"], { ...WRONG, ...KEYS }, 1],
  ["runtime-token", () => ["runtime-token", env], {}, 0],
  ["runtime-token with a wrong key", () => ["runtime-token", env, "--json", ...WRONG_KEY], {}, 2],
  ["runtime-token with a flag mistyped", () => ["runtime-token", env, `--secretkey=${PLANTED.secretKey}`], {}, 1],
  ["status --remote", () => ["status", "prod", "--remote"], SECRETS, 0],
  ["status --remote, the wrong passphrase", () => ["status", "prod", "--remote", "--json"], WRONG, 1],
  ["status --remote of all", () => ["status", "--remote", "--json"], SECRETS, 0],
  ["doctor", () => ["doctor", env], SECRETS, 0],
  ["doctor --json, the wrong passphrase", () => ["doctor", env, "--json"], WRONG, 1],
  ["push, the wrong passphrase", () => ["push", "prod", "--yes"], WRONG, 1],
];

describe("nothing planted shows at --log-level=debug", () => {
  test.each(COMMANDS)("%s", async (_, args, given, exitCode) => {
    const { stdout, stderr } = await run(args(), given, exitCode);
    expect(plantedIn(stdout + stderr)).toEqual([]);
    expect(plantedIn(stored())).toEqual([]);
  });

  test("doctor with a runtime token, also a damaged one", async () => {
    const token = (await sandbox.run(["runtime-token", env])).stdout.trimEnd();
    for (const [config, exitCode] of [
      [token, 0],
      [token.slice(0, -8), 1],
    ] as const) {
      const { stdout, stderr } = await run(["doctor", env], { ...SECRETS, VSYNC_CONFIG: config }, exitCode);
      expect(plantedIn(stdout + stderr)).toEqual([]);
      expect(stdout + stderr).not.toContain(config.slice(0, 40));
    }
  });

  test("runtime-token --json shows on stderr what it says that it shows, and stdout has none of it in the clear", async () => {
    const { stdout, stderr } = await run(["runtime-token", env, "--json"], SECRETS, 0);
    expect(plantedIn(stdout)).toEqual([]);
    expect(plantedIn(stderr)).toEqual(["secretKey", "sessionToken"]);
  });

  test("a corrupt config is named without its contents", async () => {
    const path = join(sandbox.configFolder, "api", "prod.json");
    const config = await readFile(path, "utf8");
    await writeFile(path, config.replace(`"${PLANTED.secretKey}"`, `"${PLANTED.secretKey}`));
    for (const args of [
      ["runtime-token", env],
      ["init", env, "--reset"],
      ["doctor", env],
    ]) {
      const { stdout, stderr } = await run(args, SECRETS, 4);
      expect(stdout + stderr).toMatch(/is not JSON: line \d+, column \d+/);
      expect(plantedIn(stdout + stderr)).toEqual([]);
    }
    await writeFile(path, config);
  });

  test("the config holds the key for the store, and nothing else of it", async () => {
    expect(plantedIn(await configWithoutKeys())).toEqual([]);
  });

  test("nothing else in the home, the working and the temporary folder does", async () => {
    const list = execFileSync("grep", ["-rlF", ...FORMS.flatMap(([, form]) => ["-e", form]), sandbox.folder]);
    expect(list.toString().trim().split("\n").toSorted()).toEqual([
      join(sandbox.configFolder, "api", "prod.json"),
      join(sandbox.work, ".env.prod"),
    ]);
  });
});
