import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Started, startIn } from "./app.ts";
import { installedPackage } from "./installed.ts";

/**
 * The reason why this machine cannot make a container, or null. A container here is a mount namespace and another root:
 * Docker needs a daemon and an image, and this repository cannot count on either.
 */
export function containerObstacle(): string | null {
  if (process.platform !== "linux") return "it needs Linux";
  if (process.getuid?.() !== 0) return "it needs root";
  return spawnSync("unshare", ["--mount", "true"]).status === 0 ? null : "it may not make mount namespaces";
}

export interface Mounted {
  readonly text: string;
  readonly mode: number;
  readonly uid?: number;
}

export interface Container {
  /** Absolute paths of the app's files; `node_modules` with vsync is beside those in `workdir`. */
  readonly files: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** The whole environment. The container has neither a home nor passwd(5). */
  readonly env: Readonly<Record<string, string>>;
  /** The arguments of Node.js. */
  readonly args: readonly string[];
  readonly uid: number;
  /** Files mounted into it, by absolute path, with exactly these modes. */
  readonly mounted?: Readonly<Record<string, Mounted>>;
  /** The folder for `/tmp`; default: an empty one. Everything else is read-only. */
  readonly tmp?: string;
  /** Whether `/dev/shm` exists, in memory. */
  readonly hasSharedMemory: boolean;
}

// $1 the layer with the app, $2 its node_modules, $3 its folder, $4 /tmp, $5 node, $6 uid, $7 whether /dev/shm exists.
// The started process becomes Node.js, so the test can stop and kill it directly.
const ENTER = `
  set -e
  layer=$1 modules=$2 workdir=$3 tmp=$4 node=$5 uid=$6 shm=$7
  shift 7
  mount --bind "$layer" "$layer"
  mount --bind -o ro /usr "$layer/usr"
  for it in bin lib lib64 sbin; do [ ! -L "/$it" ] || ln -sfn "usr/$it" "$layer/$it"; done
  mount --bind "$node" "$layer/opt/node"
  mount --bind "$modules" "$layer$workdir/node_modules"
  mount -o remount,bind,ro "$layer$workdir/node_modules"
  mount --rbind /proc "$layer/proc"
  mount --bind "$tmp" "$layer/tmp"
  for it in null urandom; do touch "$layer/dev/$it"; mount --bind "/dev/$it" "$layer/dev/$it"; done
  [ "$shm" = false ] || { mkdir "$layer/dev/shm"; mount -t tmpfs -o mode=1777,size=1m none "$layer/dev/shm"; }
  mount -o remount,bind,ro "$layer"
  cd "$layer"
  exec chroot --userspec="$uid:$uid" "$layer" /opt/node "$@"
`;

/** Starts Node.js in its own container, which ends with it. */
export async function startContainer(container: Container): Promise<Started> {
  const { workdir, env, args, uid, hasSharedMemory } = container;
  const layer = await layerOf(container);
  const tmp = container.tmp ?? (await emptyTmp());
  const modules = join(await installedPackage(), "node_modules");
  const given = [layer, modules, workdir, tmp, process.execPath, String(uid), String(hasSharedMemory)];
  return startIn("/", env, ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", ENTER, "sh", ...given, ...args]);
}

/** A folder for `/tmp` that survives its container. */
export async function emptyTmp(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o1777);
  return folder;
}

async function layerOf({ files, mounted = {}, workdir }: Container): Promise<string> {
  const layer = await temporaryFolder();
  await chmod(layer, 0o755);
  for (const folder of ["usr", "opt", "proc", "tmp", "dev", join(workdir, "node_modules")]) {
    await mkdir(join(layer, folder), { recursive: true });
  }
  await writeFile(join(layer, "opt/node"), "");
  const plain = Object.entries(files).map(([path, text]): [string, Mounted] => [path, { text, mode: 0o444 }]);
  for (const [path, { text, mode, uid = 0 }] of [...plain, ...Object.entries(mounted)]) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await writeFile(join(layer, path), text);
    await chown(join(layer, path), uid, uid);
    await chmod(join(layer, path), mode);
  }
  return layer;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vsync-container-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
