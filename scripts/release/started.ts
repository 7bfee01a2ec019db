import { spawnSync } from "node:child_process";
import { wayOf } from "../targets/ways.ts";

/** Starts a program on this machine and returns the version that it prints, or why it did not start. */
export function startedHere(program: string, target: string): string {
  const way = wayOf(target);
  if ("obstacle" in way) return `not started here: ${way.obstacle}`;
  const [command, ...args] = [...way.words, program, "--version"];
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  if (status !== 0 && way.by === "") throw new Error(`the program for ${target} ended with ${status}`);
  if (status !== 0) return `not started here: it ended with ${status} by ${way.by}`;
  return `started here${way.by === "" ? "" : ` by ${way.by}`}: ${stdout.trim()}`;
}
