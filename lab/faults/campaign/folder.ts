import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { sha256Hex } from "../../../src/crypto/digest.ts";
import { openDirectoryStore } from "../../../src/directory/directory-store.ts";
import { type DirectoryLocation, fileEndpoint, prefixFolder, WORK_FOLDER } from "../../../src/directory/location.ts";
import type { StoredObject } from "../../../src/ports.ts";
import { MemoryStore } from "../../../test/support/memory-store.ts";
import { clockAt, type Machine, type World } from "../../../test/support/world.ts";

/** A directory store below `folder` with the objects of `world`. */
export async function folderOf(world: World, folder: string): Promise<DirectoryLocation> {
  const location = { endpoint: fileEndpoint(folder), bucket: "vsync", prefix: "api/prod/" };
  await mkdir(`${folder}/vsync`, { recursive: true });
  for (const [key, { bytes }] of world.store.bucket) {
    const path = prefixFolder(location) + key;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return location;
}

/** The store of a machine that never waits, so every block shows. */
export function machineAt(location: DirectoryLocation, world: World): Machine {
  return world.with({ store: openDirectoryStore(location, { claimTimeoutMs: 0 }), clock: clockAt(world.clock.ms) });
}

/** Reads the files directly, bypassing the store. */
export async function copyOf(location: DirectoryLocation, world: World): Promise<World> {
  const folder = prefixFolder(location);
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const bucket = new Map<string, StoredObject>();
  for (const entry of found) {
    const key = relative(folder, `${entry.parentPath}/${entry.name}`);
    if (!entry.isFile() || key.startsWith(WORK_FOLDER)) continue;
    const bytes = new Uint8Array(await readFile(folder + key));
    bucket.set(key, { bytes, version: sha256Hex(bytes) });
  }
  return world.with({ store: new MemoryStore({ bucket }), clock: clockAt(world.clock.ms) });
}
