import { fdatasync, fsync } from "node:fs";
import { type FileHandle, open as openNative } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * `open` of node:fs/promises. Yarn's Plug'n'Play replaces the functions of fs, and its handles can be neither disposed
 * of nor flushed; this adds both.
 */
export async function open(...args: Parameters<typeof openNative>): Promise<FileHandle> {
  const handle = await openNative(...args);
  if (Reflect.has(handle, Symbol.asyncDispose)) return handle;
  return Object.assign(handle, {
    [Symbol.asyncDispose]: () => handle.close(),
    datasync: () => promisify(fdatasync)(handle.fd),
    sync: () => promisify(fsync)(handle.fd),
  });
}
