// Runs programs one at a time and measures wall time, CPU and peak memory of the whole process with wait4(2). bun runs this
// script, because it exposes the resource usage of a child. Reads one JSON object per line ({argv, env, cwd}), writes one.
import { createInterface } from "node:readline";

const TIMEOUT_MS = 120_000;

for await (const line of createInterface({ input: process.stdin })) {
  const { argv, env, cwd } = JSON.parse(line);
  const startMs = performance.now();
  const ended = Bun.spawnSync({
    cmd: argv,
    env,
    cwd,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: TIMEOUT_MS,
  });
  const wallMs = performance.now() - startMs;
  const usage = ended.resourceUsage;
  const run = {
    wallMs,
    cpuMs: Number(usage.cpuTime.total) / 1000,
    peakMiB: usage.maxRSS / 1024 / 1024,
    exitCode: ended.exitCode,
    stderr: ended.stderr.toString().slice(-500),
  };
  process.stdout.write(`${JSON.stringify(run)}\n`);
}
