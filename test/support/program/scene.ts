import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, type StrictS3, startStrictS3 } from "../strict-s3/server.ts";
import type { BucketTerms } from "../strict-s3/terms.ts";
import type { User } from "../strict-s3/users.ts";
import { startBucketControl } from "./bucket-control.ts";
import { machineOn, machineOnDisk, OLD } from "./machine.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";
import { installProgram, type Scene } from "./shell.ts";

/** A scene with the means to clean it up. */
export interface SetScene extends Scene, AsyncDisposable {}

const PACKAGE = join(import.meta.dirname, "../../..");

/** May read the vault, and nothing else. */
const READER: User = {
  accessKeyId: "READERKEY",
  secretAccessKey: "reader/secret+key",
  grants: [{ actions: ["s3:GetObject"], prefix: "api/prod/" }],
};
/** May do nothing at all. */
const STRANGER: User = { accessKeyId: "STRANGERKEY", secretAccessKey: "stranger/secret+key", grants: [] };

/**
 * How a script begins. `fresh`: the folder of a repository `api`, no more. `vault`: with a vault `prod` of one secret at
 * generation 1, where `vsync init --local` puts it, and its passphrase in the environment. `vault and dev`: also the env
 * `dev`, to which nobody has pushed yet. `bucket`: a vault in the bucket `strict` of an S3 server whose root user the machine
 * is, with the command `s3` to look into it. `empty bucket`: the same server, before anybody has run `vsync init`. `app`: a
 * vault, in a folder whose Node.js programs find the package.
 */
const STARTS: Readonly<Record<string, () => Promise<SetScene>>> = {
  async fresh() {
    const sandbox = await openSandbox();
    return { sandbox, env: {}, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
  },
  async vault() {
    const { sandbox } = await machineOnDisk();
    return { sandbox, env: { VSYNC_PASSPHRASE: OLD }, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
  },
  async "vault and dev"() {
    const machine = await machineOnDisk();
    await machine.giveEnv("dev");
    const { sandbox } = machine;
    return { sandbox, env: { VSYNC_PASSPHRASE: OLD }, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
  },
  async app() {
    const scene = await STARTS["vault"]?.();
    if (scene === undefined) throw new TypeError("no vault");
    await mkdir(join(scene.sandbox.work, "node_modules"));
    await symlink(PACKAGE, join(scene.sandbox.work, "node_modules", "vsync"));
    return scene;
  },
  bucket: () => sceneOn((server) => machineOn(server).then(({ sandbox }) => sandbox)),
  "empty bucket": () => sceneOn(() => openSandbox()),
};

async function sceneOn(open: (server: StrictS3) => Promise<Sandbox>): Promise<SetScene> {
  const ignores: ("if-match" | "if-none-match")[] = [];
  const terms: BucketTerms = {};
  const server = await startStrictS3({ users: [ROOT, READER, STRANGER], ignores, terms });
  const sandbox = await open(server);
  server.log.length = 0;
  const control = await startBucketControl(server, { ignores, terms }, sandbox);
  const scene = { sandbox, env: { VSYNC_PASSPHRASE: OLD }, endpoint: server.endpoint };
  return {
    ...scene,
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

export async function openScene(start: string, files: Readonly<Record<string, string>>): Promise<SetScene> {
  const open = STARTS[start];
  if (open === undefined) throw new Error(`start: ${start} is not one of ${Object.keys(STARTS).join(", ")}`);
  const scene = await open();
  await installProgram(scene.sandbox);
  for (const [name, text] of Object.entries({ "package.json": '{"name":"api"}\n', ...files })) {
    await scene.sandbox.write(`work/${name}`, text);
  }
  return scene;
}
