import { spawnSync } from "node:child_process";

// What starts a program of another architecture (Debian: qemu-user and libc6-arm64-cross).
const EMULATORS = { "linux-arm64": ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] };

/** What a program says of its version when it is started on this machine, or why it was not started. */
export function startedHere(program, target) {
  const [command, ...args] = [...(process.arch === "arm64" ? [] : (EMULATORS[target] ?? [])), program, "--version"];
  const { error, status, stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  if (error !== undefined) return `not started here (${command === program ? error.code : `no ${command}`})`;
  return status === 0 ? `started here: ${stdout.trim()}` : `not started here (it ended with ${status})`;
}
