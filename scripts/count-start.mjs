// Counts all instructions of `runtime-token --no-validate`. Unlike a clock, valgrind's count hardly depends on the load of
// the machine. Fails if a start has become heavier than the committed figure allows.
//   node scripts/count-start.mjs           compares with scripts/start-instructions.json
//   node scripts/count-start.mjs --write   rewrites that file, for a change that is worth its cost
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const committed = join(import.meta.dirname, "start-instructions.json");
const PROGRAMS = {
  "dist/vsync": [join(root, "dist/vsync")],
  "bin/run.js": [process.execPath, join(root, "bin/run.js")],
};
const COUNTER = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
const ATTEMPTS = 3;

const home = realpathSync(mkdtempSync(join(tmpdir(), "vsync-start-")));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));
// bin/run.js keeps its compiled code there.
mkdirSync(join(home, ".cache"));
const env = { HOME: home, PATH: "/usr/bin:/bin", VSYNC_REPO: "start", LANG: "C.UTF-8" };

const obstacle = obstacleToCounting();
if (obstacle === undefined) count();
else process.stdout.write(`the instructions of a start were not counted: ${obstacle}\n`);

function obstacleToCounting() {
  if (process.platform !== "linux" || process.arch !== "x64") return "the figures are those of Linux on x64";
  if (!existsSync(PROGRAMS["dist/vsync"][0])) return "dist/vsync is missing: npm run build:binary";
  const found = spawnSync("valgrind", ["--version"]);
  return found.error === undefined ? undefined : "valgrind is missing (Debian: apt install valgrind)";
}

function count() {
  run(PROGRAMS["bin/run.js"], ["init", "--env=prod", "--local"], { VSYNC_PASSPHRASE: "correct horse battery staple" });
  const { tolerance, instructions } = JSON.parse(readFileSync(committed, "utf8"));
  if (process.argv.includes("--write")) {
    const figures = Object.fromEntries(Object.entries(PROGRAMS).map(([name, program]) => [name, countOf(program)]));
    writeFileSync(committed, `${JSON.stringify({ tolerance, instructions: figures }, null, 2)}\n`);
    return;
  }
  for (const [name, program] of Object.entries(PROGRAMS)) compare(name, program, instructions[name], tolerance);
}

/** Helper threads of the runtimes may disturb a single count; a heavier start shows in all of them. */
function compare(name, program, expected, tolerance) {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && least > expected * (1 + tolerance); attempt++) {
    least = Math.min(least, countOf(program));
  }
  const change = `${(least / 1e6).toFixed(1)} million instructions, ${(expected / 1e6).toFixed(1)} committed`;
  process.stdout.write(`${name} runtime-token --no-validate: ${change}\n`);
  if (least <= expected * (1 + tolerance)) return;
  process.stdout.write(`that is more than ${tolerance * 100} % above: look for modules that the start need not load\n`);
  process.exitCode = 1;
}

function countOf(program) {
  const command = ["runtime-token", "--env=prod", "--no-validate"];
  run(program, command);
  const { stderr } = run(["valgrind", ...COUNTER, ...program], command);
  const counted = /I\s+refs:\s+([\d,]+)/.exec(stderr);
  if (counted === null) throw new Error(`valgrind did not count:\n${stderr}`);
  return Number(counted[1].replaceAll(",", ""));
}

function run([command, ...first], args, more = {}) {
  const ran = spawnSync(command, [...first, ...args], { env: { ...env, ...more }, cwd: home, encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`${command} ended with ${ran.status ?? ran.signal}:\n${ran.stderr}`);
  return ran;
}
