// Walks through vsync's main job in a throw-away home: shows each command as you would type it, then runs it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
const home = mkdtempSync(join(tmpdir(), "vsync-quickstart-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const env = cleanEnvironment();

say("vsync quickstart: from a dotenv file to an app that boots from an encrypted vault, on the local disk alone.");
say("Every line after a $ can be typed in a shell, in this folder.");

step("A home of its own, to leave yours alone, and the program under its name.");
show('export HOME="$(mktemp -d)" PATH="$PWD/node_modules/.bin:$PATH"');
show('vsync() { node bin/run.js "$@"; }');

step("The passphrase. In real life a prompt asks for it, or a file or secret store provides it.");
env.VSYNC_PASSPHRASE = "correct horse battery staple";
show("export VSYNC_PASSPHRASE='correct horse battery staple'");

step("A vault for the env `demo`, in a directory. With an S3 bucket the rest stays the same.");
vsync("init", "--env=demo", "--local");

step("The secrets go in: encrypted, signed, one immutable bundle and a manifest that names it.");
vsync("push", "demo", "--from=examples/.env.demo");

step("One string is all that an app needs beside the passphrase. It goes into your platform's secret store.");
show('export VSYNC_CONFIG="$(vsync runtime-token --env=demo)"');
env.VSYNC_CONFIG = capture("runtime-token", "--env=demo");
print(`VSYNC_CONFIG=${env.VSYNC_CONFIG.slice(0, 40)}… (${env.VSYNC_CONFIG.length} characters)`);

step("What the token says, secrets masked:");
vsync("inspect");

step("An app boots from the two variables, with the library: `const v = await Vsync.open()`.");
command("node", "examples/app.mjs");

step("Any other program does too, without the library:");
vsync("run", "--", "sh", "-c", 'echo "a shell script sees DATABASE_URL with ${#DATABASE_URL} characters"');

step("What is configured on this machine:");
vsync("status");

say("That is all. The throw-away home is gone when this script ends.");
say("Next: README.md for S3 and for rotating the passphrase; `node bin/run.js --help` for the commands.");

/** Keeps the demonstration and the user's own vsync settings apart. */
function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VSYNC_|XDG_|AWS_|npm_)/.test(name));
  const path = [join(root, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter);
  return { ...Object.fromEntries(kept), HOME: home, PATH: path };
}

function vsync(...args) {
  show(["vsync", ...args.map(quoted)].join(" "));
  run(process.execPath, ["bin/run.js", ...args]);
}

function command(name, ...args) {
  show([name, ...args.map(quoted)].join(" "));
  run(name === "node" ? process.execPath : name, args);
}

function run(program, args) {
  const child = spawnSync(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  print(child.stderr);
  print(child.stdout);
  if (child.status !== 0) fail(child.status);
}

function capture(...args) {
  const stdio = ["ignore", "pipe", "inherit"];
  const child = spawnSync(process.execPath, ["bin/run.js", ...args], { cwd: root, env, stdio, encoding: "utf8" });
  if (child.status !== 0) fail(child.status);
  return child.stdout.trim();
}

function fail(status) {
  process.stdout.write(`\nquickstart: the command above ended with exit code ${status}\n`);
  process.exit(1);
}

function say(text) {
  process.stdout.write(`\n${text}\n`);
}

function step(text) {
  process.stdout.write(`\n# ${text}\n`);
}

function show(line) {
  process.stdout.write(`$ ${line}\n`);
}

function print(output) {
  for (const line of output.replace(/\n$/, "").split("\n")) {
    if (line !== "" || output.trim() !== "") process.stdout.write(`  ${line}\n`);
  }
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
