/** A container's memory limit: a separate control group. Creating one needs root, and a kernel that permits it. */

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";

const V1 = "/sys/fs/cgroup/memory";
const V2 = "/sys/fs/cgroup";

export class SmallContainer implements Disposable {
  readonly #folder: string;

  /**
   * @throws the error of a system call, if this user may not create one
   */
  constructor(limitMiB: number) {
    const [root, limit] = existsSync(V1) ? [V1, "memory.limit_in_bytes"] : [V2, "memory.max"];
    this.#folder = `${root}/vsync-${process.pid}`;
    mkdirSync(this.#folder);
    try {
      writeFileSync(`${this.#folder}/${limit}`, String(limitMiB * 1024 * 1024));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The command line that starts a program in it. */
  around(program: readonly string[]): readonly string[] {
    return ["/bin/sh", "-c", `echo $$ > ${this.#folder}/cgroup.procs && exec "$@"`, "sh", ...program];
  }

  [Symbol.dispose](): void {
    rmdirSync(this.#folder);
  }
}

export function canLimit(): boolean {
  try {
    new SmallContainer(64)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}
