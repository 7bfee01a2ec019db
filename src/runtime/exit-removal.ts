import { rmSync } from "node:fs";

// The process ends once, whoever made the folders: one listener for all of them, and none where there are none.
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
