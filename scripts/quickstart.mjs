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
const PASSPHRASE = "correct horse battery staple";

say("vsync quickstart: from a dotenv file to an app that boots from an encrypted vault, on the local disk alone.");
say("Every line after a $ can be typed in a shell, in this folder.");

step("A home and a name of its own, to leave yours alone, and the program under its name.");
show('export HOME="$(mktemp -d)" VSYNC_REPO=shop PATH="$PWD/node_modules/.bin:$PATH"');
show('vsync() { node bin/run.js "$@"; }');

step("The passphrase. In real life a prompt asks for it, or a file or secret store provides it.");
set("VSYNC_PASSPHRASE", PASSPHRASE);

step("A vault for the env `demo`, in a directory. With an S3 bucket the rest stays the same.");
vsync("init", "--env=demo", "--local");

step("The secrets go in: encrypted, signed, one immutable bundle and a manifest that names it.");
vsync("push", "demo", "--from=examples/.env.demo");

step("Each app gets a token, one string that opens only what you grant. It goes into your platform's secret store.");
show(`export VSYNC_CONFIG="$(vsync tokens create demo --name=web '--except=SMTP_*' --expires=90d)"`);
env.VSYNC_CONFIG = capture("tokens", "create", "demo", "--name=web", "--except=SMTP_*", "--expires=90d");
print(`VSYNC_CONFIG=${env.VSYNC_CONFIG.slice(0, 40)}… (${env.VSYNC_CONFIG.length} characters)`);

step("An app boots from that string alone, with the library: `const vault = await Vsync.open()`.");
show("unset VSYNC_PASSPHRASE");
delete env.VSYNC_PASSPHRASE;
command("node", "examples/app.mjs");

step("So does any other program, without the library:");
vsync("run", "--", "sh", "-c", 'echo "DATABASE_URL has ${#DATABASE_URL} characters, SMTP_PASSWORD ${#SMTP_PASSWORD}"');

step("You see who has which token, and take one back without touching the others.");
set("VSYNC_PASSPHRASE", PASSPHRASE);
vsync("tokens", "list", "demo");
vsync("tokens", "revoke", "demo", "web", "--yes");
show("vsync run -- true");
refused("run", "--", "true");

say("That is all. The throw-away home is gone when this script ends.");
say("Next: README.md for S3 and for rotating the passphrase; `node bin/run.js --help` for the commands.");

/** Keeps the demonstration and the user's own vsync settings apart. */
function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VSYNC_|XDG_|AWS_|npm_)/.test(name));
  const path = [join(root, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter);
  return { ...Object.fromEntries(kept), HOME: home, PATH: path, VSYNC_REPO: "shop" };
}

function vsync(...args) {
  show(["vsync", ...args.map(quoted)].join(" "));
  run(process.execPath, ["bin/run.js", ...args]);
}

function command(name, ...args) {
  show([name, ...args.map(quoted)].join(" "));
  run(name === "node" ? process.execPath : name, args);
}

function set(name, value) {
  show(`export ${name}='${value}'`);
  env[name] = value;
}

function run(program, args) {
  const { status, stdout } = spawned(program, args);
  print(stdout);
  if (status !== 0) fail(status);
}

function capture(...args) {
  const { status, stdout } = spawned(process.execPath, ["bin/run.js", ...args]);
  if (status !== 0) fail(status);
  return stdout.trim();
}

function refused(...args) {
  if (spawned(process.execPath, ["bin/run.js", ...args]).status !== 1) fail("other than 1");
}

function spawned(program, args) {
  const child = spawnSync(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  print(child.stderr);
  return child;
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
