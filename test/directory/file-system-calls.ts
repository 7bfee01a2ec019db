import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const OF_HANDLES = ["read", "sync", "close", "stat"];
const OF_PATHS = ["open", "link", "rename", "unlink", "mkdir", "readdir", "stat", "lstat"];

/**
 * Calls `step` before every call of `node:fs/promises` in this process. If `step` throws, the call fails with that error; a
 * `close` closes all the same, as on Linux. Files are written in two halves, so a failure can leave half of one.
 */
export async function beforeEveryCall(step: (name: string) => void): Promise<void> {
  const prototype = await handlePrototype();
  prototype.writeFile = async function (this: FileHandle, bytes: Uint8Array) {
    const half = Math.ceil(bytes.length / 2);
    step("write");
    await this.write(bytes, 0, half);
    step("write the rest");
    await this.write(bytes, half);
  };
  patch(prototype, OF_HANDLES, step);
  patch(fs, OF_PATHS, step);
  syncBuiltinESMExports();
}

async function handlePrototype(): Promise<FileHandle> {
  const handle = await fs.open("/dev/null");
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  return prototype;
}

function patch(target: object, names: readonly string[], step: (name: string) => void): void {
  for (const name of names) {
    const original: (...args: unknown[]) => Promise<unknown> = Reflect.get(target, name);
    Reflect.set(target, name, async function (this: unknown, ...args: unknown[]) {
      const closed = name === "close" ? await original.apply(this, args) : undefined;
      step(name);
      return name === "close" ? closed : original.apply(this, args);
    });
  }
}
