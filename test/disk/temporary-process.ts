/** Writes a file, and is killed before a file system call. See `temporary.test.ts`. */

import { writePrivateFile } from "../../src/disk/private-file.ts";
import { beforeEveryCall } from "../directory/file-system-calls.ts";

const [, , path = "", content = "", before = ""] = process.argv;
await beforeEveryCall((name) => {
  if (name === before) process.kill(process.pid, "SIGKILL");
});
await writePrivateFile(path, Buffer.from(content));
