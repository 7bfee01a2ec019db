import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { binary, NODE_PROGRAM, ROOT } from "../binary/built.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";
import { readPage } from "./page.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.push({ GREETING: "hello", OTHER: "of the vault" });
});
afterAll(() => home[Symbol.asyncDispose]());

/** Lets an app that imports nothing, or vsync/register, become the program, which then sees what the app saw. */
const BECOME = "process.execve('/usr/bin/env', ['env', '--', ...process.argv.slice(1)])";
const NODE = [process.execPath, "-e", BECOME, "--"];
const REGISTERED = [process.execPath, "--import", join(ROOT, "dist/runtime/register.js"), "-e", BECOME, "--"];

/** Prints what a program finds that is started by the words of a way. The caller is a Python program, because Node.js sets up no signals. */
const LOOK = `
import fcntl, json, os, resource, signal, subprocess, sys, tempfile
WAY, found = sys.argv[1:], {}
os.environb[b"OTHER"] = b"mine"
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
def before():
    for it in "SIGHUP", "SIGUSR2", "SIGPIPE", "SIGXFSZ": signal.signal(getattr(signal, it), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH, signal.SIGUSR1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (233, hard)); resource.setrlimit(resource.RLIMIT_CPU, (1234, 2345))
    os.umask(0o027)
def plain(): signal.signal(signal.SIGPIPE, signal.SIG_DFL)
def start(*program, preexec_fn=plain, **more):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*WAY, *program], preexec_fn=preexec_fn, start_new_session=True, **{**streams, **more})
def said(*program, **more): return start(*program, **more).communicate(timeout=60)[0]
def code(*program): p = start(*program); p.communicate(timeout=60); return p.returncode

p = start("sh", "-c", "echo $$")
found["is the program"] = int(p.communicate(timeout=60)[0]) == p.pid
TELLER = r'''
import os, select, signal
# Python calls no handler while it blocks: a signal just before that would never be told.
told, tells = os.pipe(); os.set_blocking(tells, False); signal.set_wakeup_fd(tells)
for it in signal.SIGTERM, signal.SIGINT: signal.signal(it, lambda *_: None)
os.write(1, b"ready\\n")
while True:
    if told in select.select([0, told], [], [])[0]: os.write(1, b"".join(b"%d\\n" % it for it in os.read(told, 9)))
    elif not os.read(0, 9): break
'''
for name, send, number in ("alone", os.kill, signal.SIGTERM), ("group", os.killpg, signal.SIGINT):
    p = start("python3", "-c", TELLER)
    p.stdout.readline(); send(p.pid, number)
    first = p.stdout.readline()
    found[name] = (first + p.communicate(timeout=60)[0]).count(b"%d\\n" % number)
status = dict(line.split(":\\t") for line in said("grep", "^Sig\\\\|^Umask", "/proc/self/status", preexec_fn=before).decode().splitlines())
def signals(field): return [it for it in ("SIGHUP", "SIGUSR2", "SIGPIPE", "SIGXFSZ", "SIGWINCH", "SIGUSR1") if int(status[field], 16) >> (getattr(signal, it) - 1) & 1]
found["ignored"], found["blocked"], found["umask"] = signals("SigIgn"), signals("SigBlk"), status["Umask"]
limits = said("cat", "/proc/self/limits", preexec_fn=before).decode().splitlines()
found["files"] = [it.split()[3] == "233" for it in limits if it.startswith("Max open files")]
found["limits"] = [it.split() for it in limits if not it.startswith(("Max open files", "Max pending"))]
found["killed"], found["exit"] = code("sh", "-c", "kill -TERM $$"), code("sh", "-c", "exit 7")
folder = tempfile.mkdtemp(); script = folder + "/script"
open(script, "w").write("echo from the script\\n")
found["codes"] = [code("/nowhere/program"), code(script)]
os.chmod(script, 0o755)
found["script"] = said(script) == b"from the script\\n"
streams = [open(folder + "/" + name, "w+") for name in ("in", "out", "err")]
seen = open(folder + "/seen", "w+")
start("sh", "-c", "for it in 0 1 2; do readlink /proc/self/fd/$it >> " + seen.name + "; done", stdin=streams[0], stdout=streams[1], stderr=streams[2]).wait(60)
found["streams"] = [line == it.name for line, it in zip(seen.read().splitlines(), streams)]
os.dup2(seen.fileno(), 57)
found["descriptor"] = said("sh", "-c", "test -e /proc/self/fd/57 && echo open", pass_fds=[57]) == b"open\\n"
os.environb[b"CITY"] = b"Orl\\xe9ans"
found["variable"] = said("sh", "-c", 'printf %s "$CITY"') == b"Orl\\xe9ans"
found["argument"] = said("printf", "%s", b"\\xe9") == b"\\xe9"
del os.environb[b"CITY"]
# --redact masks what is printed.
said("sh", "-c", 'echo "\${VSYNC_PASSPHRASE:+open} $GREETING $OTHER" > ' + folder + "/environment")
found["environment"] = open(folder + "/environment").read().strip()
print(json.dumps(found))
`;

interface Found extends Readonly<Record<string, unknown>> {
  readonly ignored: readonly string[];
}

function look(way: readonly string[], env: Readonly<Record<string, string>>): Found {
  const ran = spawnSync("python3", ["-c", LOOK, ...way], {
    env: { ...home.env, ...env, HOME: home.sandbox.home, PATH: process.env["PATH"] ?? "", VSYNC_REPO: "api" },
    cwd: home.sandbox.work,
    encoding: "utf8",
    timeout: 200_000,
  });
  if (ran.status !== 0) throw new Error(`the caller ended with ${ran.status ?? ran.signal}:\n${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

const ENVIRONMENTS: Readonly<Record<string, string>> = {
  "open  mine": "yours",
  "hello of the vault": "yours, without what opens a vault, with the secrets",
  "open hello mine": "yours, with the secrets where nothing is set yet",
};

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const yes = (is: unknown, words: string, otherwise: string): string => (is ? words : otherwise);

function ignored({ ignored: signals }: Found): string {
  if (!signals.includes("SIGHUP")) return "have their default";
  return yes(signals.includes("SIGPIPE"), "stay ignored", "stay ignored, but SIGPIPE and SIGXFSZ have their default");
}

function bytes({ variable, argument }: Found): string {
  if (variable && argument) return "kept";
  return argument ? "a variable is damaged" : "a variable is damaged, with a warning; an argument is refused";
}

/** An app that imports vsync is not started through it. */
const OF_STARTING = ["not found, not executable", "script without `#!`"];

/** The text of a cell for what the program found, compared with what it finds under env(1). */
const ROWS: Readonly<Record<string, (found: Found, env: Found) => string>> = {
  "pid, parent": (it) => yes(it["is the program"], "the program", "vsync is its parent"),
  "signal aimed at it alone": (it) =>
    yes(it["alone"] === 1, yes(it["is the program"], "arrives", "is handed on"), "no"),
  "Ctrl-C, signal to the group or service": (it) =>
    yes(it["group"] === 1, "arrives once", `arrives ${it["group"]} times`),
  "signals that you ignore (`nohup`, `trap ''`)": ignored,
  "blocked signals": (it, env) => yes(same(it["blocked"], env["blocked"]), "stay blocked", "are not blocked"),
  "end by a signal": (it) => yes(it["killed"] === -15, "seen by the caller", `exit code ${it["killed"]}`),
  "exit code": (it) => yes(it["exit"] === 7, "the program's", String(it["exit"])),
  "not found, not executable": (it) => String(it["codes"]).replace(",", ", "),
  "script without `#!`": (it) => yes(it["script"], "runs", "does not run"),
  "stdin, stdout, stderr": (it, env) =>
    yes(same(it["streams"], env["streams"]), "as they are", "stdin as it is, two pipes"),
  "descriptors above 2": (it) => yes(it["descriptor"], "stay open", "are closed"),
  "bytes that are not UTF-8": bytes,
  "soft limit of open files": (it, env) => yes(same(it["files"], env["files"]), "kept", "raised to the hard one"),
  "other limits, umask": (it, env) =>
    yes(same([it["limits"], it["umask"]], [env["limits"], env["umask"]]), "kept", "changed"),
  environment: (it) => ENVIRONMENTS[String(it["environment"])] ?? String(it["environment"]),
};

test("docs/running.md shows what a program finds, by what starts it", async () => {
  const run = ["run", "prod", "--repo=api"];
  const env = look(["env", "--"], {});
  const ways = {
    "`env`": env,
    "`run`, binary": look([binary(), ...run, "--"], {}),
    "`run`, npm package": look([...NODE_PROGRAM, ...run, "--"], {}),
    "`run --redact`, binary": look([binary(), ...run, "--redact", "--"], {}),
    "`--import vsync/register`": look(REGISTERED, { VSYNC_CONFIG: await home.token() }),
  };
  const node = look(NODE, {});
  const rows = Object.entries(ROWS).map(([title, says]) => {
    const cells = Object.entries(ways).map(([way, found]) => {
      const cell = says(found, env);
      if (way.includes("register") && OF_STARTING.includes(title)) return "";
      const isNodes = way.includes("register") && cell !== says(env, env) && cell === says(node, env);
      return isNodes ? "as Node.js has it" : cell;
    });
    return `| ${[title, ...cells].join(" | ")} |`;
  });
  const head = ["", ...Object.keys(ways)];
  const table = [`|${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...rows].join("\n");
  expect(await readPage("docs/running.md")).toContain(`\n\n${table}\n\n`);
});
