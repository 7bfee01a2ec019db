import { spawnSync } from "node:child_process";
import { chmod, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeDocument } from "../../src/cli/config/config-document.ts";
import { makeConfig, PLANTED_SECRET } from "../cli/config-fixture.ts";
import {
  openSandbox,
  programUnderTest,
  type RunOptions,
  type Sandbox,
  type Transcript,
} from "../support/program/sandbox.ts";

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const isInstalled = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const absent = ["bash", "zsh", "fish"].filter((shell) => !isInstalled(shell));
if (absent.length > 0) console.log(`completions: not tried in ${absent.join(", ")}: not installed here`);

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
  await sandbox.write("work/package.json", '{"name":"api"}');
  await sandbox.write("work/.env.prod", `DATABASE_URL=${PLANTED_SECRET}\nDATABASE_POOL=2\n`);
  await sandbox.write("work/certs/ca.pem", "x");
  for (const env of ["prod", "staging"])
    await sandbox.write(`home/.config/vsync/api/${env}.json`, writeDocument(makeConfig({ env })));
  const program = programUnderTest().map(quoted).join(" ");
  // what a completed line comes to is shown, not run
  const script = `#!/bin/sh\n[ "$1" = completion ] && exec ${program} "$@"\nprintf '<%s>' "$@"\n`;
  await chmod(await sandbox.write("home/bin/vsync", script), 0o755);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const words = (args: readonly string[], options?: RunOptions): Promise<Transcript> =>
  sandbox.run(["completion", "words", "--", ...args], options);

describe("the hidden call that the scripts make", () => {
  test("offers envs and the names of the dotenv file, never a value", async () => {
    expect(await words(["push", "s"])).toEqual({ stdout: "staging\t\n", stderr: "", exitCode: 0 });
    const { stdout, stderr } = await words(["get", "prod", ""]);
    expect(stdout).toBe("DATABASE_POOL\t\nDATABASE_URL\t\n");
    expect(stdout + stderr).not.toContain(PLANTED_SECRET);
  });

  test("takes --help among the words for a word", async () => {
    expect((await words(["status", "--help", "--js"])).stdout).toMatch(/^--json\t/);
  });

  test.each([
    ["in no repository", { cwd: "../tmp" }],
    ["where the home is unusable", { env: { HOME: "/dev/null", XDG_CONFIG_HOME: "/dev/null" } }],
  ])("says nothing %s, and does not fail", async (_, options) => {
    expect(await words(["push", ""], options)).toMatchObject({ stderr: "", exitCode: 0 });
    expect((await words(["get", "prod", "DATA"], options)).stderr).toBe("");
  });

  test("says nothing of a dotenv file that is not one, and writes nothing", async () => {
    await sandbox.write("work/.env.prod", `A=1\n${PLANTED_SECRET}\n`);
    await sandbox.write("work/.env.staging", "$(touch gone)=1\nB=2\n");
    const before = await sandbox.snapshot();
    expect(await words(["get", "prod", ""])).toMatchObject({ stderr: "", exitCode: 0 });
    expect((await words(["get", "staging", ""])).stdout).not.toContain("touch");
    expect(await sandbox.snapshot()).toEqual(before);
  });
});

test("a named pipe or a device in a dotenv file's place does not hold up whoever is typing", async () => {
  await symlink("/dev/zero", join(sandbox.work, ".env.zero"));
  spawnSync("mkfifo", [join(sandbox.work, ".env.pipe")]);
  expect(await words(["get", "pipe", ""])).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await words(["get", "zero", ""])).toMatchObject({ stderr: "", exitCode: 0 });
});

test("another shell is refused", async () => {
  expect(await sandbox.run(["completion", "tcsh"])).toEqual({
    stdout: "",
    stderr: "vsync: error: the argument must be one of bash, zsh, fish\nvsync: hint: see vsync completion --help\n",
    exitCode: 1,
  });
});

/** What a person sees: the shell itself, on a terminal, with the Tab key. */
describe("a real shell", () => {
  const TAB = "\t";

  async function shell(name: string, rc: string, args: readonly string[], file: string): Promise<Sandbox> {
    await sandbox.write(`home/${file}`, (await sandbox.run(["completion", name])).stdout);
    await sandbox.write(rc, `cd ${sandbox.work}\nPS1='ready> '\n${RC[name]}`);
    return openSandbox([name, ...args]);
  }

  const RC: Record<string, string> = {
    bash: `source "$HOME/vsync.bash"\nbind 'set bell-style none'\n`,
    zsh: `fpath=("$HOME/zfunc" $fpath)\nautoload -Uz compinit\ncompinit -D -u\nunsetopt beep prompt_cr prompt_sp\n`,
  };

  const LINES = [
    ["pus", ["push"]],
    ["push st", ["push", "staging"]],
    ["push --env=st", ["push", "--env=staging"]],
    ["policy --role=op", ["policy", "--role=operator"]],
    ["audit ver", ["audit", "verify"]],
    ["get prod DATABASE_U", ["get", "prod", "DATABASE_URL"]],
    ["run prod --only=DATABASE_URL,DATABASE_P", ["run", "prod", "--only=DATABASE_URL,DATABASE_POOL"]],
    ["push prod --from=certs/c", ["push", "prod", "--from=certs/ca.pem"]],
    ["push prod --file=ca=certs/c", ["push", "prod", "--file=ca=certs/ca.pem"]],
    ["push prod --pass", ["push", "prod", "--passphrase-file="]],
  ] as const;

  async function expectCompleted(name: string, rc: string, args: readonly string[], file: string): Promise<void> {
    await using own = await shell(name, rc, args, file);
    const env = {
      HOME: sandbox.home,
      XDG_CONFIG_HOME: join(sandbox.home, ".config"),
      PATH: `${join(sandbox.home, "bin")}:/usr/local/bin:/usr/bin:/bin`,
    };
    const session = await own.terminal([], { env, showStdout: true });
    for (const [typed, completed] of LINES) {
      await session.shows("ready> ");
      session.press(`vsync ${typed}${TAB}\r`);
      await session.shows(completed.map((word) => `<${word}>`).join(""));
    }
    await session.shows("ready> ");
    session.answer("exit");
    await session.end();
  }

  test.runIf(isInstalled("bash"))("bash", () =>
    expectCompleted("bash", "home/rc", ["--rcfile", join(sandbox.home, "rc"), "-i"], "vsync.bash"),
  );

  test.runIf(isInstalled("bash")).each([
    ["push prod --from=x", "<push><prod><--from=x$(touch gone)>"],
    ["run prod -- ./x", "<run><prod><--><./x$(touch gone)>"],
  ])("a bash without compopt, as 3.2, runs no file's name: %s", async (typed, completed) => {
    await chmod(await sandbox.write("work/x$(touch gone)", ""), 0o755);
    await sandbox.write("home/vsync.bash", (await sandbox.run(["completion", "bash"])).stdout);
    await sandbox.write("home/rc", `cd ${sandbox.work}\nPS1='ready> '\nenable -n compopt\n${RC["bash"]}`);
    await using own = await openSandbox(["bash", "--rcfile", join(sandbox.home, "rc"), "-i"]);
    const PATH = `${join(sandbox.home, "bin")}:/usr/local/bin:/usr/bin:/bin`;
    const session = await own.terminal([], { env: { HOME: sandbox.home, PATH }, showStdout: true });
    await session.shows("ready> ");
    session.press(`vsync ${typed}${TAB}\r`);
    await session.shows(completed);
    session.answer("exit");
    await session.end();
  });

  test.runIf(isInstalled("zsh"))("zsh", () => expectCompleted("zsh", "home/.zshrc", ["-i"], "zfunc/_vsync"));

  test.runIf(isInstalled("fish"))("fish", async () => {
    const path = await sandbox.write("home/vsync.fish", (await sandbox.run(["completion", "fish"])).stdout);
    await using own = await openSandbox(["fish", "--no-config", "-c"]);
    for (const [typed, completed] of LINES) {
      const env = {
        HOME: sandbox.home,
        XDG_CONFIG_HOME: join(sandbox.home, ".config"),
        PATH: `${join(sandbox.home, "bin")}:/usr/local/bin:/usr/bin:/bin`,
      };
      const script = `cd ${sandbox.work}; source ${path}; complete -C 'vsync ${typed}'`;
      const { stdout } = await own.run([script], { env });
      expect(stdout.split("\n").map((line) => line.split("\t")[0])).toContain(completed.at(-1));
    }
  });
});
