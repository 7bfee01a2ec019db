/** @module-tag process */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { debianPackage } from "../support/debian.ts";
import { mount, mountFat, remount, unmount } from "../support/disks.ts";
import { expectTable } from "../support/page-table.ts";
import { programUnderTest } from "../support/program/sandbox.ts";
import { cheapen, openVaultHome } from "../support/program/vault-home.ts";

/*
 * The table of directories in docs/s3.md. Each row makes a folder, and two users with homes of their own work with the vault that
 * `vsync init` makes there. UPDATE_MATRIX=1 writes the rows into the page.
 */

const [ANN, BOB, TEAM] = [4001, 4002, 4300];
const isRoot = process.platform === "linux" && process.getuid?.() === 0;

const seen = new Map<string, string | null>();
let top = "";
let store = "";
let umask = "022";
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "vsync-folders-"));
  await chmod(top, 0o755);
});
afterAll(() => rm(top, { recursive: true, force: true }));
beforeEach(async () => {
  store = await mkdtemp(join(top, "store-"));
  umask = "022";
  for (const user of [0, ANN, BOB]) {
    await rm(join(top, String(user)), { recursive: true, force: true });
    await mkdir(join(top, String(user)));
    await chown(join(top, String(user)), user, user);
  }
});
afterEach(({ task }) => {
  if (!seen.has(task.name) && !task.name.startsWith("docs/")) seen.set(task.name, null);
});

interface Ended {
  readonly ok: boolean;
  readonly said: string;
  readonly stderr: string;
}

function run(user: number, line: string, stdin = ""): Ended {
  const home = join(top, String(user));
  const who = ["setpriv", `--reuid=${user}`, `--regid=${user}`, user === 0 ? "--clear-groups" : `--groups=${TEAM}`];
  const passphrase = "VSYNC_PASSPHRASE=correct horse battery staple";
  const env = ["env", "-i", `PATH=${process.env["PATH"]}`, `HOME=${home}`, "VSYNC_REPO=api", passphrase];
  const program = ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...programUnderTest(), ...line.split(" ")];
  const [command = "", ...rest] = [...who, ...env, ...program];
  const { status, stdout, stderr } = spawnSync(command, rest, { cwd: home, encoding: "utf8", input: stdin });
  const [, error] = /error: (.*)/.exec(stderr) ?? [];
  return { ok: status === 0, said: error === undefined ? stdout.trimEnd() : tidied(error, store), stderr };
}

const tidied = (words: string, folder: string): string => words.replaceAll(folder, "<folder>").replace(/v=\w+/, "v=…");

/** The vault of the first one costs the least from then on. */
async function init(user: number): Promise<Ended> {
  const ended = run(user, `init --env=dev --endpoint=file://${store}`);
  const isNew = ended.ok && !existsSync(join(store, "vaults/api/dev/manifest"));
  if (isNew) await cheapen(join(top, String(user), ".config/vsync/api/dev.json"));
  return ended;
}
const push = (user: number, value: string): Ended => run(user, "push dev --from=- --yes", `A=${value}\n`);
const refused = ({ ok, said }: Ended): string => (ok ? "works" : `refused: \`${said}\``);

type Step = () => Ended | Promise<Ended>;

/** The first refusal of these; without one, that it works, and the rights that objects and folders have then. */
async function verdictOf(...steps: readonly Step[]): Promise<string> {
  for (const step of steps) {
    const ended = await step();
    if (!ended.ok) return refused(ended);
  }
  const vault = join(store, "vaults/api/dev");
  const [object, folder] = await Promise.all(
    ["manifest", "audit"].map(async (name) => ((await stat(join(vault, name))).mode & 0o7777).toString(8)),
  );
  return `works; objects ${object}, folders ${folder}`;
}

const alone = (user: number) => [() => init(user), () => push(user, "1"), () => run(user, "get dev A")];
const together = [...alone(ANN).slice(0, 2), () => init(BOB), () => push(BOB, "2"), () => push(ANN, "3")];

async function acl(...args: readonly string[]): Promise<void> {
  const { status } = spawnSync(join(await debianPackage("acl"), "bin/setfacl"), [...args, store]);
  if (status !== 0) throw new Error("the file system has no ACLs");
}

const FOLDERS: readonly [string, () => Promise<unknown>, readonly Step[]][] = [
  ["your own folder", () => chown(store, ANN, ANN), alone(ANN)],
  [
    "your own folder, umask 000",
    async () => {
      umask = "000";
      await chown(store, ANN, ANN);
    },
    alone(ANN),
  ],
  [
    "a group's folder with setgid (`chmod 2770`): one member pushes after the other",
    async () => {
      await chown(store, ANN, TEAM);
      await chmod(store, 0o2770);
    },
    together,
  ],
  [
    "the same, umask 077",
    async () => {
      umask = "077";
      await chown(store, ANN, TEAM);
      await chmod(store, 0o2770);
    },
    together,
  ],
  [
    "a group's folder without setgid (`chmod 770`)",
    async () => {
      await chown(store, ANN, TEAM);
      await chmod(store, 0o770);
    },
    together,
  ],
  [
    "a folder with a default ACL for both users: one pushes after the other",
    async () => {
      await chown(store, ANN, ANN);
      await acl("-m", `u:${BOB}:rwx`, "-d", "-m", `u:${ANN}:rwx,u:${BOB}:rwx`);
    },
    together,
  ],
  [
    "a folder with a default ACL for a group, umask 007",
    async () => {
      umask = "007";
      await chown(store, ANN, ANN);
      await acl("-m", `g:${TEAM}:rwx`, "-d", "-m", `g:${TEAM}:rwx`);
    },
    together,
  ],
  [
    "a folder with an ACL for another user, but no default one",
    async () => {
      await chown(store, ANN, ANN);
      await acl("-m", `u:${BOB}:rwx`);
    },
    together,
  ],
  [
    "your own folder, after root has pushed into it",
    () => chown(store, ANN, ANN),
    [...alone(ANN), () => init(0), () => push(0, "2"), () => run(ANN, "get dev A"), () => push(ANN, "3")],
  ],
];

describe.skipIf(!isRoot)("as root, who can be several users", () => {
  test.each(FOLDERS)("%s", async (name, arrange, steps) => {
    await arrange();
    seen.set(name, await verdictOf(...steps));
  });

  test.each(["exFAT", "FAT"] as const)("a disk with %s, which has no hard links: `init`", async (kind) => {
    await using disk = await mountFat(kind, store).catch(() => null);
    if (disk !== null) seen.set(`a disk with ${kind}, which has no hard links: \`init\``, refused(await init(0)));
    else console.info(`not tried: this machine cannot mount ${kind}`);
  });

  test("a copy of a vault on such a disk: `get`, `push`, `doctor`", async ({ task, skip }) => {
    await using home = await openVaultHome();
    await home.push({ A: "1" });
    const folder = join(home.sandbox.home, ".local/share/vsync");
    await rename(folder, `${folder}.copy`);
    await mkdir(folder);
    await using disk = await mountFat("exFAT", folder).catch(() => null);
    if (disk === null) return skip("this machine cannot mount exFAT");
    await cp(`${folder}.copy`, folder, { recursive: true });
    expect((await home.run(["get", "prod", "A"])).stdout).toBe("1\n");
    const pushed = await home.push({ A: "2" });
    const examined = await home.run(["doctor", "prod"]);
    expect(examined.stdout).toMatch(/✗ .*its file system has no hard links/);
    const words = /error: (.*)/
      .exec(pushed.stderr)?.[1]
      ?.replace(folder, "<folder>")
      .replace(/\d{8}T\d+Z/, "…");
    seen.set(task.name, `\`get\` works; the others refuse: \`${words}\``);
    return undefined;
  });

  test("a disk that is mounted read-only: `init`, `push`", async ({ task }) => {
    mount(store, "size=2m");
    try {
      for (const step of [() => init(0), () => push(0, "1")]) expect(await step()).toMatchObject({ ok: true });
      remount(store, "ro");
      seen.set(task.name, `\`init\` says that this machine will not write; ${refused(push(0, "2"))}`);
      expect(await init(0)).toMatchObject({ ok: true, stderr: expect.stringContaining("this machine will not write") });
    } finally {
      unmount(store);
    }
  });

  test("docs/s3.md has these rows", () => expectTable("directory matrix", ["folder", "what happens"], seen));
});
