import { type ExecFileOptions, execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Sums } from "../../scripts/release/checksums.ts";
import { buildDeb } from "../../scripts/release/deb.ts";
import { openSandbox, type RunOptions, type Sandbox, type Transcript } from "../support/program/sandbox.ts";
import { COMPILE_LIMIT_MS, compileFor, ROOT } from "./compiled.ts";

const run = promisify(execFile);
const VERSION = "1.2.3";
const DEBIAN_ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;
const USER = 65532;
const obstacle = imageObstacle();
if (obstacle !== null) process.stderr.write(`the container file is not built here: ${obstacle}\n`);

function imageObstacle(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it takes Linux and root";
  const missing = ["buildah", "dpkg-deb", "unshare"].find((it) => spawnSync(it, ["--version"]).error !== undefined);
  if (missing !== undefined) return `no ${missing}`;
  return spawnSync("unshare", ["--mount", "true"]).status === 0 ? null : "no mount namespaces";
}

// $1 the image's root, $2 the folder mounted at /vault, $3 the user; the rest is the command.
const ENTER = `
  set -e
  root=$1 vault=$2 user=$3
  shift 3
  mount --bind "$root" "$root"
  mount --bind "$vault" "$root/vault"
  mount -t tmpfs -o mode=1777,size=1m none "$root/tmp"
  mkdir -p "$root/proc" "$root/dev"
  mount --bind /proc "$root/proc"
  mount -t tmpfs -o mode=755,size=1m none "$root/dev"
  for it in null urandom; do touch "$root/dev/$it"; mount --bind "/dev/$it" "$root/dev/$it"; done
  mount -o remount,bind,ro "$root"
  exec chroot --userspec="$user:$user" "$root" "$@"
`;

describe.runIf(obstacle === null)("the image from Containerfile", { timeout: COMPILE_LIMIT_MS }, () => {
  let folder: string;
  let root: string;
  let program: Sandbox | undefined;

  /** Runs buildah without an engine, with its storage in this test's folder. */
  async function buildah(args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
    const store = [`--root=${folder}/store`, `--runroot=${folder}/run`, "--storage-driver=vfs"];
    const { stdout } = await run("buildah", [...store, ...args], { ...options, encoding: "utf8" });
    return stdout.trim();
  }

  async function baseImage(): Promise<string> {
    await run("sh", [join(import.meta.dirname, "base-image.sh"), join(folder, "base")]);
    const container = await buildah(["from", "scratch"]);
    await buildah(["copy", container, join(folder, "base"), "/"]);
    await buildah(["commit", container, "localhost/debian-parts"]);
    return "localhost/debian-parts";
  }

  async function releaseFolder(): Promise<string> {
    const out = join(folder, "release");
    await mkdir(out);
    await using made = await compileFor(`linux-${process.arch}`);
    const facts = { version: VERSION, maintainer: "Ann <ann@example.com>", epoch: "1700000000" };
    const deb = buildDeb({ root: ROOT, program: made.program, architecture: DEBIAN_ARCHITECTURE, out, ...facts });
    await copyFile(join(ROOT, "scripts/release/Containerfile"), join(out, "Containerfile"));
    writeFileSync(join(out, "SHA256SUMS"), sha256Sums(out, [deb.slice(out.length + 1)]));
    return out;
  }

  const build = (release: string, debian: string): Promise<string> =>
    buildah([
      "bud",
      "--isolation=chroot",
      `--build-arg=VERSION=${VERSION}`,
      `--build-arg=DEBIAN=${debian}`,
      "--tag=vsync",
      release,
    ]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync-test-image-"));
    await build(await releaseFolder(), await baseImage());
    root = await buildah(["mount", await buildah(["from", "localhost/vsync"])]);
    await mkdir(join(folder, "vault"), { mode: 0o700 });
    await chown(join(folder, "vault"), USER, USER);
    await chmod(folder, 0o711);
    const enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", root, join(folder, "vault"), String(USER)];
    program = await openSandbox([...enter, "/usr/bin/vsync"]);
  }, COMPILE_LIMIT_MS);

  afterAll(async () => {
    await buildah(["umount", "--all"]);
    await rm(folder, { recursive: true, force: true });
    await program?.[Symbol.asyncDispose]();
  });

  const start = async (args: readonly string[], options: RunOptions): Promise<Transcript> => {
    if (program === undefined) throw new Error("the image was not built");
    return program.run(args, options);
  };

  test("has the program, its licence, the C library, and no shell", async () => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((it) => !it.isDirectory())
      .map((it) => join(it.parentPath, it.name).slice(root.length));
    const others = files.filter((file) => !/^\/(usr\/)?lib(64)?\/[\w./-]+\.so\.\d$/.test(file));
    expect(others.toSorted()).toEqual(["/usr/bin/vsync", "/usr/share/doc/vsync/copyright"]);
    expect(files.length - others.length).toBeGreaterThan(1);
  });

  test("starts the program as a user other than root", async () => {
    const described = await buildah(["inspect", "--type=image", "localhost/vsync"]);
    const { OCIv1 } = JSON.parse(described) as { OCIv1: { config: object } };
    expect(OCIv1.config).toMatchObject({
      User: `${USER}:${USER}`,
      Entrypoint: ["/usr/bin/vsync"],
      Env: expect.arrayContaining(["HOME=/vault"]),
    });
  });

  test("keeps a vault in /vault and opens it from the two variables, on a read-only root", async () => {
    const env = {
      PATH: "/bin:/usr/bin:/sbin:/usr/sbin",
      HOME: "/vault",
      TMPDIR: undefined,
      XDG_CONFIG_HOME: undefined,
    };
    const ann = {
      ...env,
      XDG_DATA_HOME: undefined,
      VSYNC_PASSPHRASE: "correct horse battery staple",
      VSYNC_REPO: "api",
    };
    expect(await start(["init", "--env=prod", "--local"], { env: ann })).toMatchObject({ exitCode: 0 });
    const pushed = await start(["push", "prod", "--from=-"], { env: ann, stdin: "API_KEY=k-1\n" });
    expect(pushed).toMatchObject({ exitCode: 0 });
    const minted = await start(["runtime-token", "--env=prod"], { env: ann });
    const app = { ...ann, VSYNC_REPO: undefined, HOME: "/nowhere", VSYNC_CONFIG: minted.stdout.trim() };
    expect(await start(["get", "API_KEY", "--raw"], { env: app })).toMatchObject({ stdout: "k-1", exitCode: 0 });
  });

  test("brings its own certificates", async () => {
    const env = { BUN_BE_BUN: "1", PATH: "/bin:/usr/bin:/sbin:/usr/sbin" };
    const { stdout } = await start(["-e", 'console.log(require("tls").rootCertificates.length)'], { env });
    expect(Number(stdout)).toBeGreaterThan(100);
  });

  test("refuses a package whose digest differs from SHA256SUMS", async () => {
    const sums = join(folder, "release/SHA256SUMS");
    writeFileSync(
      sums,
      readFileSync(sums, "utf8").replace(/^./gm, (digit) => (digit === "0" ? "1" : "0")),
    );
    await expect(build(join(folder, "release"), "localhost/debian-parts")).rejects.toMatchObject({
      stdout: expect.stringContaining("FAILED"),
    });
  });
});
