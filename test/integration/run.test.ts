import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";
import { runtimePath } from "../support/runtimes.ts";

/* `vsync run` compared with env(1). test/scripts/run.txt has what a shell can show. */

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.push({ GREETING: "hello" });
});
afterAll(() => home[Symbol.asyncDispose]());

const IS_NODE = programUnderTest().length > 1;
const RUN = [...programUnderTest(), "run", "prod", "--repo=api"];
const WAYS: Readonly<Record<string, readonly string[]>> = {
  env: ["env"],
  run: [...RUN, "--"],
  "run --redact": [...RUN, "--redact", "--"],
};

/**
 * A caller that sets up signals, limits and descriptors, which Node.js cannot. It replaces WAY… by the words of a way to
 * start a program, and prints what it sees.
 */
function python(way: readonly string[], script: string): string {
  const ran = spawnSync("python3", ["-c", `${CALLER}\n${script}`, ...way], {
    env: { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"] ?? "", VSYNC_REPO: "api" },
    cwd: home.sandbox.work,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (ran.status !== 0) throw new Error(`the caller ended with ${ran.status ?? ran.signal}:\n${ran.stderr}`);
  return ran.stdout.trim();
}

const CALLER = `
import fcntl, os, pty, resource, select, signal, subprocess, sys, time
WAY = sys.argv[1:]
# Prints each signal as it comes, and ends soon after it has had all: by then, one that came twice has shown.
TELLER = r'''
import os, signal, sys, time
left = set(sys.argv[1].split(","))
def tell(number, _):
    name = signal.Signals(number).name
    os.write(1, f"{name}\\n".encode()); left.discard(name)
for name in list(left): signal.signal(getattr(signal, name), tell)
print("ready", flush=True)
while left: time.sleep(0.01)
time.sleep(0.2)
'''
HEARD = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"]
def start(*program, **more):
    return subprocess.Popen([*WAY, *program], stdout=subprocess.PIPE, start_new_session=True, **{"stdin": subprocess.DEVNULL, **more})
def heard(send, pause=0):
    p = start("python3", "-c", TELLER, ",".join(HEARD)); p.stdout.readline()
    for name in HEARD: send(p, getattr(signal, name)); print(p.stdout.readline().decode().strip(), end=" "); time.sleep(pause)
    print(p.communicate(timeout=30)[0].decode(), p.returncode)
def on_terminal(*words):
    pid, fd = pty.fork()
    if pid == 0: os.execvp(words[0], words)
    return pid, fd
def shown(fd, until=None, seconds=20):
    seen, end = b"", time.time() + seconds
    while time.time() < end and not (until and until in seen):
        try: chunk = os.read(fd, 4096) if select.select([fd], [], [], 0.1)[0] else None
        except OSError: break
        if chunk == b"": break
        seen += chunk or b""
    return seen.decode()
`;

/**
 * A shell with job control; Enter runs `fg`. It takes signals one by one (sigwait), so none comes at a wrong moment.
 */
const JOB_SHELL = `
import os, signal, sys
for name in ("SIGTTOU", "SIGTSTP"): signal.signal(getattr(signal, name), signal.SIG_IGN)
TAKEN = (signal.SIGCHLD, signal.SIGHUP)
signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid())
    for name in ("SIGTTOU", "SIGTSTP"): signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN)
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    if signal.sigwait(TAKEN) == signal.SIGHUP: os.killpg(pid, signal.SIGHUP)
    ended, status = os.waitpid(pid, os.WUNTRACED | os.WNOHANG)
    if ended == 0: continue
    if not os.WIFSTOPPED(status): break
    os.tcsetpgrp(0, os.getpgrp())
    print("stopped", signal.Signals(os.WSTOPSIG(status)).name, flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, pid); os.killpg(pid, signal.SIGCONT)
    print("continued", flush=True)
with open("ended", "w") as file: file.write(str(os.waitstatus_to_exitcode(status)))
`;

/** posix_spawn(3) has a child ignore the two signals, 32 and 33, that the C library keeps for itself. */
const ofUsers = (text: string): string => text.replaceAll(/(?<=SigIgn:\t0{7})18/g, "00");

describe("the program finds what it finds under env", () => {
  const STATE = `
def before():
    signal.signal(signal.SIGUSR2, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH, signal.SIGUSR1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (233, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    os.umask(0o027)
pipe = os.pipe(); fcntl.fcntl(pipe[0], fcntl.F_SETFL, os.O_NONBLOCK)
LOOK = r'''
for file in status limits; do grep -E "^(Umask|SigBlk|SigIgn|SigCgt|Threads|NoNewPrivs|Max )" /proc/self/$file | sed "s/^/$file /"; done
for fd in 0 1 2 %d 57; do grep flags /proc/self/fdinfo/$fd | sed "s/^/$fd /"; done
'''
`;
  // Node.js starts with all signals at their default, none blocked, and the limit raised.
  test.skipIf(IS_NODE).each(["run", "run --redact"])("signals, limits, descriptors: vsync %s", (way) => {
    const script = `${STATE}
os.dup2(pipe[1], 57)
p = start("bash", "-c", LOOK % pipe[0], preexec_fn=before, pass_fds=[pipe[0], 57], stderr=open("/dev/null", "w"))
print(p.communicate(timeout=30)[0].decode())`;
    const seen = (words: readonly string[]): string[] => {
      const lines = python(words, script).split("\n").map(ofUsers);
      return way === "run" ? lines : lines.filter((line) => !/^[12] flags/.test(line));
    };
    expect(seen(WAYS["env"]!)).toContain("57 flags:\t01");
    expect(seen(WAYS[way]!)).toEqual(seen(WAYS["env"]!));
  });

  test.skipIf(IS_NODE).each(["run", "run --redact"])("descriptors of every kind: vsync %s", (way) => {
    const script = `
import socket
pipe = os.pipe(); poll = select.epoll(); poll.register(pipe[0])
kinds = [pipe[0], socket.socketpair()[0].detach(), os.memfd_create("m"), os.eventfd(0), poll.fileno()]
for at, fd in enumerate(kinds): os.dup2(fd, 61 + at)
look = "for fd in 61 62 63 64 65; do readlink /proc/self/fd/$fd; done"
print(start("sh", "-c", look, pass_fds=range(61, 66)).communicate(timeout=30)[0].decode())`;
    const seen = python(WAYS["env"]!, script).replaceAll(/\d+/g, "");
    expect(seen.split("\n")).toHaveLength(5);
    expect(python(WAYS[way]!, script).replaceAll(/\d+/g, "")).toBe(seen);
  });

  test("stdin, stdout, stderr and limits but that of open files, through either program", () => {
    const script = `
p = start("sh", "-c", "cat /proc/self/fdinfo/0 /proc/self/fdinfo/1 | grep flags; grep -v 'open files' /proc/self/limits; grep -E '^(Umask|SigIgn|SigCgt|Threads)' /proc/self/status", stdin=subprocess.PIPE)
print(p.communicate(b"x", timeout=30)[0].decode())`;
    expect(python(WAYS["run"]!, script)).toBe(python(WAYS["env"]!, script));
  });

  test("more output than a pipe holds, to a reader that is slow", () => {
    const script = `
p = start("python3", "-c", "import os; print(sum(os.write(1, b'x' * 100000) for _ in range(10)), file=open('written', 'w'))")
time.sleep(1); out = p.stdout.read(); p.wait(); print(len(out), open("written").read())`;
    expect(python(WAYS["run"]!, script)).toBe("1000000 1000000");
  });
});

describe("vsync becomes the program", () => {
  test("which has its pid, its parent and the socket that systemd meant for it", () => {
    const script = `
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
if os.fork() == 0:
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    os.execvp(WAY[0], [*WAY, "python3", "-c", "import os,socket; socket.socket(fileno=3).getsockname(); print(os.environ['LISTEN_PID'] == str(os.getpid()))"])
os.wait()
p = start("sh", "-c", "echo $$"); print(int(p.communicate()[0]) == p.pid)`;
    expect(python(WAYS["run"]!, script)).toBe("True\nTrue");
  });

  test("so kill -9 leaves nothing behind", () => {
    const script = `
p = start("sh", "-c", "echo $$; exec sleep 60"); child = int(p.stdout.readline()); p.kill(); p.wait()
try: os.kill(child, 0); print("alive")
except ProcessLookupError: print("gone")`;
    expect(python(WAYS["run"]!, script)).toBe("gone");
  });
});

// Node.js 22 aborts if its exec fails, and the core dump would hold secrets.
describe.skipIf(!IS_NODE)("under another Node.js", () => {
  test.each(["node22", "node26"] as const)("vsync becomes the program, and no exec fails: %s", async (name) => {
    const way = [await runtimePath(name), ...programUnderTest().slice(1), "run", "prod", "--repo=api", "--"];
    await home.sandbox.write("work/closed", "echo", 0o600);
    await home.sandbox.write("work/no-interpreter", "#!/opt/nope\n", 0o700);
    await home.sandbox.write("work/no-program", "\u007fELF\u0002\u0001\u0001", 0o700);
    await home.sandbox.write("work/busy", "#!/bin/sh\n", 0o700);
    await home.sandbox.write("work/large.env", `LARGE=${"x".repeat(131_072)}`);
    const script = `
p = start("sh", "-c", "echo $$; grep SigIgn /proc/self/status")
pid, *signals = p.communicate(timeout=60)[0].decode().split(); print(int(pid) == p.pid, *signals)
open_for_writing = open("busy", "a")
for words in (["missing"], ["./closed"], ["/"], ["./no-interpreter"], ["./no-program"], ["./busy"], ["a=b"]):
    print(subprocess.run([*WAY, *words], stderr=subprocess.DEVNULL).returncode, end=" ")
print(subprocess.run([*WAY[:-1], "--override=large.env", "--", "true"], stderr=subprocess.DEVNULL).returncode)`;
    const [first, codes] = python(way, script).split("\n");
    expect(ofUsers(first ?? "")).toBe("True SigIgn: 0000000000000000");
    expect(codes).toBe("127 126 126 126 127 126 127 126");
  });
});

const ways = test.each(["env", "run", "run --redact"]);

describe("signals", () => {
  const ONCE_EACH = "SIGINT SIGTERM SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM  0";

  ways("aimed at what was started alone reach the program: %s", (way) => {
    expect(python(WAYS[way]!, "heard(lambda p, number: p.send_signal(number))")).toBe(ONCE_EACH);
  });

  ways("by which services of other programs are told to stop or to grow reach it, too: %s", (way) => {
    const script = `
HEAR = r'''
import os, signal
heard = [getattr(signal, name) for name in ("SIGWINCH", "SIGTTIN", "SIGTTOU", "SIGTSTP", "SIGCONT")]
signal.pthread_sigmask(signal.SIG_BLOCK, heard)
os.write(1, b"ready\\n")
while True: os.write(1, signal.sigwait(heard).name.encode() + b"\\n")
'''
p = start("python3", "-c", HEAR); p.stdout.readline()
for name in ("SIGWINCH", "SIGTTIN", "SIGTTOU", "SIGTSTP", "SIGCONT"):
    p.send_signal(getattr(signal, name)); print(p.stdout.readline().decode().strip() == name, end=" ")
p.send_signal(signal.SIGTERM); print(p.wait())`;
    expect(python(WAYS[way]!, script)).toBe("True True True True True -15");
  });

  ways("of a terminal: it gets another size, Ctrl-Z, fg, and hangs up: %s", async (way) => {
    await home.sandbox.write("work/shell.py", JOB_SHELL);
    const script = `
import termios
PROGRAM = r'''
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
os.write(1, b"pid %d ready\\n" % os.getpid())
signal.sigwait([signal.SIGWINCH])
os.write(1, b"resized\\n")
input()
os.write(1, b"end\\n")
while True: signal.pause()
'''
pid, fd = on_terminal("python3", "shell.py", *WAY, "python3", "-c", PROGRAM)
def after(action, text):
    action(); seen = shown(fd, text.encode(), 30)
    if text not in seen: sys.exit(f"no {text!r} but {seen!r}")
    return seen
key = lambda keys: lambda: os.write(fd, keys.encode())
program = int(after(lambda: None, "ready").split("pid ")[1].split()[0])
after(lambda: fcntl.ioctl(fd, termios.TIOCSWINSZ, b"\\x28\\0\\x64\\0\\0\\0\\0\\0"), "resized")
after(key("\\x1a"), "stopped SIGTSTP")
# With --redact, the shell waits for vsync alone. The program may be about to stop, and would read the next line.
while open(f"/proc/{program}/stat").read().rsplit(")")[1].split()[0] != "T": time.sleep(0.01)
after(key("\\n"), "continued")
after(key("typed\\n"), "end")
os.close(fd); os.waitpid(pid, 0)
print(open("ended").read())
try: os.kill(program, 0); print("alive")
except ProcessLookupError: print("gone")`;
    expect(python(WAYS[way]!, script)).toBe("-1\ngone");
  });

  ways("to the whole group reach it once: %s", (way) => {
    // For each signal, run --redact starts another process that shows whether the group has it.
    expect(python(WAYS[way]!, "heard(lambda p, number: os.killpg(p.pid, number), 0.2)")).toBe(ONCE_EACH);
  });

  ways("end what was started as they end the program: %s", (way) => {
    const script = `
for name in ("TERM", "INT", "KILL", "HUP", "SEGV"):
    p = start("sh", "-c", f"ulimit -c 0; kill -{name} $$"); p.communicate(timeout=30); print(-p.returncode, end=" ")`;
    expect(python(WAYS[way]!, script)).toBe("15 2 9 1 11");
  });

  ways("Ctrl-C ends a script's loop, and is one SIGINT: %s", (way) => {
    const script = `
import shlex
line = shlex.join([*WAY, "sh", "-c", "echo ready; exec sleep 5"])
pid, fd = on_terminal("bash", "-c", f"for i in 1 2 3; do echo round-$i; {line}; done; echo after")
shown(fd, b"ready"); os.write(fd, b"\\x03"); print([w for w in shown(fd).split() if "-" in w or w == "after"])
pid, fd = on_terminal(*WAY, "python3", "-c", TELLER, "SIGINT")
shown(fd, b"ready"); os.write(fd, b"\\x03"); print("got", shown(fd).count("SIGINT"))`;
    expect(python(WAYS[way]!, script)).toBe("[]\ngot 1");
  });

  // Node.js has forgotten what its caller ignores before any of our code runs.
  test.skipIf(IS_NODE).each(["run", "run --redact"])("that the caller ignores the program ignores: %s", (way) => {
    const script = `
LOOK = "grep SigIgn /proc/self/status; echo survived"
def before():
    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGCHLD"): signal.signal(getattr(signal, name), signal.SIG_IGN)
p = start("sh", "-c", LOOK, preexec_fn=before); print(p.communicate()[0].decode())
p = start("grep", "SigIgn", "/proc/self/status", preexec_fn=before); print(p.communicate()[0].decode(), p.returncode)
import shlex
line = shlex.join([*WAY, "sh", "-c", "echo ready; sleep 1; echo survived"])
for before in ("trap '' INT; ", "", "trap '' INT TERM; "):
    end = "& trap 'echo -n' INT; wait; wait" if before == "" else ""
    pid, fd = on_terminal("bash", "-c", before + line + (end or "; :"))
    shown(fd, b"ready"); os.write(fd, b"\\x03"); print("survived" in shown(fd, b"survived"))`;
    expect(ofUsers(python(WAYS[way]!, script))).toBe(python(WAYS["env"]!, script));
  });

  // On Debian and others, only root may create one.
  const mayUnshare = spawnSync("unshare", ["-rpf", "--mount-proc", "true"]).status === 0;
  test.skipIf(!mayUnshare)("as PID 1: the program itself, and with --redact (binary) orphans are buried", () => {
    const inside = (way: readonly string[]): readonly string[] => ["unshare", "-rpf", "--mount-proc", ...way];
    const look = `
p = start("sh", "-c", "echo $$; (sh -c 'sleep 0.2 & exit' ; exit) ; sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l")
print(*p.communicate()[0].decode().split())`;
    expect(python(inside(WAYS["run"]!), look)).toMatch(/^1 /);
    if (!IS_NODE) expect(python(inside(WAYS["run --redact"]!), look)).toMatch(/^\d+ 0$/);
  });
});

describe("what vsync read a secret from, the program cannot read", () => {
  test.each(["-", "/proc/self/fd/0", "passphrase", "/dev/fd/3"])("--passphrase-file=%s <file 3<file", async (file) => {
    await home.sandbox.write("work/passphrase", PASSPHRASE, 0o600);
    const [command = "", ...first] = programUnderTest();
    const stdin = openSync(join(home.sandbox.work, "passphrase"), "r");
    // The program seeks to the beginning of each of its descriptors, and reads.
    const script = `
import os
for fd in (0, 3):
    try: os.lseek(fd, 0, 0)
    except OSError: pass
    try: print(os.environ['GREETING'], os.read(fd, 100))
    except OSError: print("closed")`;
    const args = ["run", "prod", "--repo=api", `--passphrase-file=${file}`, "--", "python3", "-c", script];
    const ran = spawnSync(command, [...first, ...args], {
      env: { HOME: home.sandbox.home, PATH: process.env["PATH"] ?? "" },
      cwd: home.sandbox.work,
      stdio: [file === "/dev/fd/3" ? "ignore" : stdin, "pipe", "pipe", ...(file === "/dev/fd/3" ? [stdin] : [])],
      encoding: "utf8",
    });
    closeSync(stdin);
    expect(ran).toMatchObject({ stdout: "hello b''\nclosed\n", stderr: "", status: 0 });
  });

  test("and the terminal that asked for it is as it was", async () => {
    const session = await home.sandbox.terminal(["run", "prod", "--repo=api", "--", "sh", "-c", "stty -a; cat"], {
      showStdout: true,
    });
    await session.shows("Passphrase:");
    session.answer(PASSPHRASE);
    await session.shows(" icanon");
    await session.shows(" echo ");
    session.answer("typed later");
    await session.shows("typed later");
    session.press("\u0004");
    expect(await session.end()).toMatchObject({ exitCode: 0, isRestored: true });
  });
});

test("messages between a Node.js parent and the program pass both ways", async () => {
  const program = "process.on('message', (m) => { process.send({ back: m }); process.disconnect(); })";
  const [command = "", ...first] = WAYS["run"]!;
  const child = spawn(command, [...first, process.execPath, "-e", program], {
    env: { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"] },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.send("there");
  expect(await once(child, "message")).toEqual([{ back: "there" }, undefined]);
  expect(await once(child, "close")).toEqual([0, null]);
});
