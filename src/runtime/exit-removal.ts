import { rmSync } from "node:fs";

// One listener for the folders of all handles: a process with many of them gets no warning of Node's about listeners.
const folders = new Set<string>();

/** Has the folder removed when the process, or the worker thread, exits. Calling the result takes that back. */
export function removeOnExit(folder: string): () => void {
  if (folders.size === 0) process.on("exit", removeFolders);
  folders.add(folder);
  return () => {
    folders.delete(folder);
    if (folders.size === 0) process.removeListener("exit", removeFolders);
  };
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
