import { beforeAll, describe, expect, test } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { bucketVault } from "../runtime/bucket-fixture.ts";
import { ITEMS } from "../runtime/fixture.ts";
import type { Ended } from "../runtime/program.ts";
import { ROOT as S3_ROOT } from "../support/strict-s3/server.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";
import { FETCH_LIMIT_MS } from "./app.ts";
import { containerObstacle, type Mounted, startContainer } from "./container.ts";
import { installedPackage } from "./installed.ts";

const obstacle = containerObstacle();
process.stderr.write(
  obstacle === null
    ? "containers are made of a mount namespace and another root here, not by docker\n"
    : `tests in containers are skipped: ${obstacle}\n`,
);

const MAIN = `
  import { statSync } from "node:fs";
  import { Vsync } from "vsync";
  try {
    const v = await Vsync.open();
    const path = await v.path("certs/sa.json");
    const { mode, uid } = statSync(path);
    console.log(JSON.stringify([v.require("API_KEY"), path.startsWith("/dev/shm/vsync."), mode & 0o777, uid]));
    await v.close();
  } catch (error) {
    console.log(JSON.stringify([error.name, error.code, error.message]));
    process.exitCode = 1;
  }
`;

const FILES = { CONFIG: "/run/secrets/vsync config", PASSPHRASE: "/run/secrets/passphrase" };
const APP = { files: { "/app/main.mjs": MAIN }, workdir: "/app", args: ["/app/main.mjs"], hasSharedMemory: true };
const APP_USER = 1000;
const ROOT = 0;

/** Boots an app whose token and passphrase are mounted as files, unless absent. */
async function boot(
  uid: number,
  mounts: { config?: Partial<Mounted>; passphrase?: Partial<Mounted> | null },
): Promise<Ended> {
  const vault = await bucketVault();
  const given = { mode: 0o600, uid };
  const config = { text: `${vault.configWith({})}\n`, ...given, ...mounts.config };
  const passphrase = { text: `${PASSPHRASE}\r\n`, ...given, ...mounts.passphrase };
  const mounted = { [FILES.CONFIG]: config, ...(mounts.passphrase === null ? {} : { [FILES.PASSPHRASE]: passphrase }) };
  const env = { VSYNC_CONFIG_FILE: FILES.CONFIG, VSYNC_PASSPHRASE_FILE: FILES.PASSPHRASE };
  return (await startContainer({ ...APP, uid, env, mounted })).ended;
}

const booted = (uid: number) => `${JSON.stringify([ITEMS[1].data, true, 0o600, uid])}\n`;
const refused = (file: "CONFIG" | "PASSPHRASE", fault: string) => {
  const message = `VSYNC_${file}_FILE names ${FILES[file]}, which ${fault}`;
  return `${JSON.stringify(["ConfigMissingError", "CONFIG_MISSING", message])}\n`;
};

beforeAll(async () => void (obstacle === null && (await installedPackage())), FETCH_LIMIT_MS);

describe.runIf(obstacle === null)("a container with its two secrets mounted as files", () => {
  test.each<[user: string, uid: number, how: string, mount: Partial<Mounted>]>([
    ["root", ROOT, "0600", {}],
    ["root", ROOT, "0400", { mode: 0o400 }],
    ["the app's user", APP_USER, "0600 of its own", {}],
    ["the app's user", APP_USER, "0400 of its own", { mode: 0o400 }],
    ["the app's user", APP_USER, "0444 of root, as Docker does", { mode: 0o444, uid: ROOT }],
    ["root", ROOT, "0644 that it cannot change", { mode: 0o644 }],
    ["the app's user", APP_USER, "0640 of its own that it cannot change", { mode: 0o640 }],
  ])("boots as %s (uid %i) with a file %s, and says nothing", async (_, uid, _how, passphrase) => {
    expect(await boot(uid, { passphrase })).toEqual({ stdout: booted(uid), stderr: "", status: 0 });
  });

  test.each<[user: string, uid: number, how: string, mount: Partial<Mounted> | null, fault: string]>([
    ["root", ROOT, "0666", { mode: 0o666 }, "can be changed by every user of this machine (mode 0666)"],
    ["root", ROOT, "that is missing", null, "does not exist"],
    ["the app's user", APP_USER, "0666", { mode: 0o666 }, "can be changed by every user of this machine (mode 0666)"],
    ["the app's user", APP_USER, "that is missing", null, "does not exist"],
    ["the app's user", APP_USER, "0600 of root", { uid: ROOT }, "may not be read by this process"],
    ["the app's user", APP_USER, "0000 of its own", { mode: 0 }, "may not be read by this process"],
  ])("does not boot as %s (uid %i) with a file %s", async (_, uid, _how, passphrase, fault) => {
    expect(await boot(uid, { passphrase })).toEqual({ stdout: refused("PASSPHRASE", fault), stderr: "", status: 1 });
  });

  test("with ambient credentials, boots with a home and explains a missing one", async () => {
    const vault = await bucketVault();
    const noKeys = { accessKeyId: undefined, secretAccessKey: undefined } as unknown as Partial<RuntimeToken>;
    const config = vault.configWith({ ...noKeys, credentials: "ambient" });
    const env = { VSYNC_CONFIG: config, VSYNC_PASSPHRASE: PASSPHRASE, AWS_EC2_METADATA_DISABLED: "true" };
    const app = { ...APP, uid: APP_USER };
    const homeless = await (await startContainer({ ...app, env })).ended;
    expect(homeless).toMatchObject({
      stdout: expect.stringMatching(/"ACCESS_DENIED",".*this user has no home/),
      status: 1,
    });
    const keys = { AWS_ACCESS_KEY_ID: S3_ROOT.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_ROOT.secretAccessKey };
    const homely = await (await startContainer({ ...app, env: { ...env, ...keys, HOME: "/" } })).ended;
    expect(homely).toEqual({ stdout: booted(APP_USER), stderr: "", status: 0 });
  });

  test("applies the same rules to the token's file", async () => {
    const readable = await boot(APP_USER, { config: { mode: 0o644 } });
    expect(readable).toEqual({ stdout: booted(APP_USER), stderr: "", status: 0 });
    const unreadable = await boot(APP_USER, { config: { uid: ROOT } });
    expect(unreadable.stdout).toBe(refused("CONFIG", "may not be read by this process"));
    const open = await boot(APP_USER, { config: { mode: 0o606 } });
    expect(open.stdout).toBe(refused("CONFIG", "can be changed by every user of this machine (mode 0606)"));
  });
});
