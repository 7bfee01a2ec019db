import { spawnSync } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeConfig, PLANTED_SECRET } from "../cli/config-fixture.ts";
import { openSandbox, programUnderTest, type Sandbox } from "../support/program/sandbox.ts";

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
  for (const env of ["prod", "staging"]) await sandbox.giveConfig(makeConfig({ env }));
  const program = programUnderTest().map(quoted).join(" ");
  // the completed line is shown, not run
  const script = `#!/bin/sh\n[ "$1" = completion ] && exec ${program} "$@"\nprintf '<%s>' "$@"\n`;
  await chmod(await sandbox.write("home/bin/vsync", script), 0o755);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

/** Completion as a person sees it: the shell itself, on a terminal, with the Tab key. */
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
