import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Gate, openGate } from "../integration/rotation-gate.ts";
import { type Machine, machineOn, OLD, type StrictS3, startStrictS3 } from "../support/program/machine.ts";
import { programUnderTest, type Transcript } from "../support/program/sandbox.ts";
import { ROOT as ROOT_USER } from "../support/strict-s3/server.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const EXAMPLES = join(ROOT, "examples");
const ROTATE = join(EXAMPLES, "rotate.sh");
const DENIED = { kind: "answer", apply: false, status: 403, code: "AccessDenied" } as const;
const GENERATED = /^([0-9a-z]{4}-){6}[0-9a-z]{4}$/;

let server: StrictS3;
let gate: Gate;
let machine: Machine;
beforeEach(async () => {
  server = await startStrictS3();
  gate = await openGate(server.endpoint);
  machine = await machineOn(server, gate.endpoint);
  gate.open();
  const command = programUnderTest()
    .map((word) => `"${word}"`)
    .join(" ");
  await install("vsync", `exec ${command} "$@"`);
  await keep(OLD);
});
afterEach(async () => {
  await machine[Symbol.asyncDispose]();
  await gate.close();
  await server.close();
});

/** The secret store: a file, which a command replaces as a whole. */
const storePath = (): string => `${machine.sandbox.folder}/secret-store/VSYNC_PASSPHRASE`;
const kept = (): Promise<string> => readFile(storePath(), "utf8");
const statePath = (name = ""): string => join(machine.sandbox.folder, "state", name);
const stateFiles = (): Promise<string[]> => readdir(statePath()).catch(() => []);

async function keep(passphrase: string): Promise<void> {
  await machine.sandbox.write("secret-store/VSYNC_PASSPHRASE", passphrase);
}

/** Puts a program on the scripts' PATH. */
async function install(name: string, text: string): Promise<void> {
  await machine.sandbox.write(`bin/${name}`, `#!/bin/sh\n${text}\n`, 0o700);
}

function environment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const { folder, home } = machine.sandbox;
  return {
    HOME: home,
    PATH: `${folder}/bin:/usr/local/bin:/usr/bin:/bin`,
    VSYNC_REPO: "api",
    VSYNC_PASSPHRASE_FILE: storePath(),
    ROTATE_STATE: statePath(),
    ...extra,
  };
}

function start(argv: readonly string[], extra: Readonly<Record<string, string>> = {}): ChildProcess {
  const [command = "", ...args] = argv;
  const options = { cwd: machine.sandbox.work, env: environment(extra), detached: true } as const;
  return spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
}

async function run(argv: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Transcript> {
  const child = start(argv, extra);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { ...said, exitCode };
}

/** `rotate.sh prod`, with a command that replaces the secret store's file. */
const rotateArgs = (): string[] => {
  const path = storePath();
  return [ROTATE, "prod", "sh", "-c", `cat >'${path}.next' && mv '${path}.next' '${path}'`];
};
const rotate = (extra: Readonly<Record<string, string>> = {}): Promise<Transcript> => run(rotateArgs(), extra);

async function expectHandedOver(gen: number): Promise<void> {
  expect(await kept()).toMatch(GENERATED);
  expect(await machine.sight(await kept())).toBe("writes");
  expect((await machine.manifest()).gen).toBe(gen);
  expect(await stateFiles()).toEqual([]);
  expect((await machine.chain(await kept())).outstanding).toBeNull();
}

describe("rotate.sh", () => {
  test("rotates with grace and hands over, time after time; the new passphrase is in no output", async () => {
    for (const gen of [2, 3]) {
      const before = await kept();
      const transcript = await rotate();
      expect(transcript.exitCode, transcript.stderr).toBe(0);
      expect(transcript.stdout).toBe("");
      expect(transcript.stderr).toContain("rotate.sh: the new passphrase of prod is handed over\n");
      await expectHandedOver(gen);
      expect(transcript.stderr).not.toContain(await kept());
      expect(await machine.sight(before)).toBe("reads");
    }
    expect(await machine.manifest()).toMatchObject({ note: "rotate.sh" });
  });

  test("the command learns the new passphrase from stdin alone", async () => {
    const path = `${machine.sandbox.folder}/environment`;
    const { exitCode } = await run([ROTATE, "prod", "sh", "-c", `cat >/dev/null; env >'${path}'`], {
      VSYNC_PASSPHRASE: OLD,
      VSYNC_PASSPHRASE_FILE: "",
    });
    expect(exitCode).toBe(0);
    const seen = await readFile(path, "utf8");
    expect(seen).toContain("VSYNC_REPO=api");
    expect(seen).not.toContain(OLD);
  });

  test("the audit row cannot be written: handed over all the same, and the next run writes it", async () => {
    server.faults.add({ method: "PUT", key: /audit/ }, DENIED, 2);
    expect(await rotate()).toMatchObject({ exitCode: 4 });
    expect(await machine.sight(await kept())).toBe("writes");
    expect(await rotate()).toMatchObject({ exitCode: 0 });
    await expectHandedOver(3);
  });

  test("the command fails: 10, the passphrase is kept, and the next run hands over the same one", async () => {
    const failed = await run([ROTATE, "prod", "false"]);
    expect(failed).toMatchObject({ stdout: "", exitCode: 10 });
    const passphrase = await readFile(statePath("prod.new"), "utf8");
    expect(failed.stderr).toContain(`it is in ${statePath("prod.new")}`);
    expect(await rotate()).toMatchObject({ exitCode: 0 });
    await expectHandedOver(2);
    expect(await kept()).toBe(passphrase);
  });

  test("the store cannot be reached: nothing is set aside, nothing handed over", async () => {
    await run([ROTATE, "prod", "false"]);
    const files = await stateFiles();
    server.faults.add({ method: "GET", key: /manifest$/ }, DENIED, 100);
    expect(await rotate()).toMatchObject({ exitCode: 2 });
    expect(await stateFiles()).toEqual(files);
    expect(await kept()).toBe(OLD);
  });

  describe("killed, and run again", () => {
    // The requests of a rotation: 0 to 3 read, 4 to 6 write the bundle, the manifest and the audit row.
    test.each([
      ["before the swap", { at: 5, when: "before" }, false],
      ["after the swap", { at: 5, when: "after" }, true],
    ] as const)("%s", async (_name, stop, isRotated) => {
      const held = gate.stopAt(stop);
      const child = start(rotateArgs());
      const closed = once(child, "close");
      await held;
      // The script, and the vsync process that it has started.
      process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
      await closed;
      gate.open();
      const candidate = await readFile(statePath("prod.new"), "utf8");
      const again = await rotate();
      expect(again.exitCode, again.stderr).toBe(0);
      await expectHandedOver(2);
      expect((await kept()) === candidate).toBe(isRotated);
    });
  });
});

/** The lines of a YAML block scalar (`key: |`), without their indentation. */
function blockIn(text: string, key: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.trim() === `${key}: |` || line.trim() === `${key} |`);
  const indent = /^ */.exec(lines[at + 1] ?? "")?.[0].length ?? 0;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => line.trim() !== "" && (/^ */.exec(line)?.[0].length ?? 0) < indent);
  return rest
    .slice(0, end === -1 ? rest.length : end)
    .map((line) => line.slice(indent))
    .join("\n");
}

describe("github-actions.yml", () => {
  /** Secrets as files; a workflow sees the contents from its start. */
  async function workflow(extra: Readonly<Record<string, string>> = {}): Promise<Transcript> {
    const secrets = `${machine.sandbox.folder}/secret-store`;
    const secret = (name: string): Promise<string> => readFile(`${secrets}/${name}`, "utf8").catch(() => "");
    const text = await readFile(join(EXAMPLES, "rotation/github-actions.yml"), "utf8");
    await copyFile(ROTATE, `${machine.sandbox.work}/rotate.sh`);
    const temp = `${machine.sandbox.folder}/runner`;
    await rm(temp, { recursive: true, force: true });
    await mkdir(temp);
    return run(["bash", "-e", "-c", blockIn(text, "run")], {
      RUNNER_TEMP: temp,
      VSYNC_PASSPHRASE_FILE: "",
      VSYNC_PASSPHRASE: await secret("VSYNC_PASSPHRASE"),
      NEXT: await secret("VSYNC_PASSPHRASE_NEXT"),
      ROTATE_STATE: "",
      ...extra,
    });
  }

  beforeEach(async () => {
    const secrets = `${machine.sandbox.folder}/secret-store`;
    await install("gh", `case $2 in set) cat >'${secrets}'/"$3" ;; delete) rm '${secrets}'/"$3" ;; esac`);
  });

  const secretNames = (): Promise<string[]> => readdir(`${machine.sandbox.folder}/secret-store`);

  test("rotates, and leaves one secret", async () => {
    const transcript = await workflow();
    expect(transcript.exitCode, transcript.stderr).toBe(0);
    expect(await machine.sight(await kept())).toBe("writes");
    expect(await machine.sight(OLD)).toBe("reads");
    expect(await secretNames()).toEqual(["VSYNC_PASSPHRASE"]);
  });

  /** Like a runner, which does not know the vault. */
  async function freshRunner(): Promise<Record<string, string>> {
    const { endpoint, bucket, region, prefix } = machine.location;
    await rm(machine.sandbox.configFolder, { recursive: true });
    const flags = `--endpoint=${endpoint} --bucket=${bucket} --region=${region} --prefix=${prefix}`;
    return { ROTATE_INIT: flags, VSYNC_ACCESS_KEY: ROOT_USER.accessKeyId, VSYNC_SECRET_KEY: ROOT_USER.secretAccessKey };
  }

  /** The candidate, without the digest of the passphrase that it is to replace. */
  const staged = async (): Promise<string> =>
    (await readFile(`${machine.sandbox.folder}/secret-store/VSYNC_PASSPHRASE_NEXT`, "utf8")).split(" ")[1] ?? "";

  test("a candidate that could not be deleted is not set a second time", async () => {
    const gh = `${machine.sandbox.folder}/bin/gh`;
    const working = await readFile(gh, "utf8");
    await writeFile(gh, working.replace("case $2 in", "case $2 in delete) exit 1 ;; esac; case $2 in"));
    expect((await workflow()).exitCode).toBe(1);
    const [left, first] = [await staged(), await kept()];
    expect(left).toBe(first);
    await machine.rotateElsewhere(first, "set by a person meanwhile");
    await writeFile(`${machine.sandbox.folder}/secret-store/VSYNC_PASSPHRASE`, "set by a person meanwhile");
    await writeFile(gh, working);
    const again = await workflow();
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await kept()).not.toBe(left);
    expect(await machine.sight(left)).toBe("WrongPassphraseError");
    expect(await machine.sight(await kept())).toBe("writes");
  });

  test("a run that lost its machine after the swap is finished by the next one, which has never seen the vault", async () => {
    const gh = `${machine.sandbox.folder}/bin/gh`;
    const working = await readFile(gh, "utf8");
    await writeFile(
      gh,
      working.replace("case $2 in", "case $2$3 in setVSYNC_PASSPHRASE) kill -9 0 ;; esac; case $2 in"),
    );
    expect((await workflow({ ROTATE_GRACE: "1s" })).exitCode).toBeNull();
    expect(await kept()).toBe(OLD);
    expect(await secretNames()).toEqual(["VSYNC_PASSPHRASE", "VSYNC_PASSPHRASE_NEXT"]);
    const candidate = await staged();
    expect(await machine.sight(candidate)).toBe("writes");
    await writeFile(gh, working);
    // The old passphrase no longer opens anything.
    await setTimeout(1_000);
    // On a slow machine, that second had passed before the commit, which then dropped the entry.
    expect(await machine.sight(OLD)).toMatch(/^(PassphraseRetiredError|WrongPassphraseError)$/);
    const again = await workflow(await freshRunner());
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await kept()).toBe(candidate);
    expect(await secretNames()).toEqual(["VSYNC_PASSPHRASE"]);
    expect((await machine.manifest()).gen).toBe(2);
  });
});

describe("cronjob.yaml", () => {
  test("its command, with a kubectl that keeps the Secret in a file", async () => {
    const text = await readFile(join(EXAMPLES, "rotation/cronjob.yaml"), "utf8");
    const log = `${machine.sandbox.folder}/kubectl.log`;
    const kubectl = `echo "$*" >>'${log}'
case $1 in create) cat ;; apply) cat >'${storePath()}' ;; esac`;
    await install("kubectl", kubectl);
    await copyFile(ROTATE, `${machine.sandbox.folder}/bin/rotate.sh`);
    const transcript = await run(["rotate.sh", "prod", "sh", "-ec", blockIn(text, "-")]);
    expect(transcript.exitCode, transcript.stderr).toBe(0);
    await expectHandedOver(2);
    // The two ends of the pipe start in any order.
    const calls = (await readFile(log, "utf8")).trimEnd().split("\n");
    expect(calls.at(-1)).toBe("rollout restart deployment/api");
    expect(calls.toSorted().slice(0, 2)).toEqual([
      "apply -f -",
      "create secret generic api-vsync --from-file=VSYNC_PASSPHRASE=/dev/stdin --dry-run=client --output=yaml",
    ]);
    const command = ["rotate.sh", "prod", "sh", "-ec"].map((word) => `                - ${word}\n`).join("");
    expect(text).toContain(`command:\n${command}                - |\n`);
  });
});

describe("the systemd units", () => {
  const isThere = hasCommand("systemd-analyze");

  test("the service's command, with the machine's paths replaced", async () => {
    const unit = await readFile(join(EXAMPLES, "rotation/vsync-rotate@.service"), "utf8");
    const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
    const secrets = `${machine.sandbox.folder}/secret-store`;
    const command = line
      .replaceAll("/usr/local/lib/vsync/rotate.sh", ROTATE)
      .replaceAll("/etc/vsync/%i.passphrase", `${secrets}/VSYNC_PASSPHRASE`)
      .replaceAll("/etc/vsync", secrets)
      .replaceAll("%i", "prod");
    const transcript = await run(["sh", "-c", command], { ROTATE_STATE: "", STATE_DIRECTORY: statePath() });
    expect(transcript.exitCode, transcript.stderr).toBe(0);
    await expectHandedOver(2);
  });

  test.skipIf(!isThere)("systemd finds no fault with them", async () => {
    const folder = `${machine.sandbox.folder}/units`;
    await mkdir(folder);
    for (const name of ["vsync-rotate@.service", "vsync-rotate@.timer"]) {
      const text = await readFile(join(EXAMPLES, "rotation", name), "utf8");
      await writeFile(join(folder, name), text.replaceAll("/usr/local/lib/vsync/rotate.sh", ROTATE));
    }
    const units = ["vsync-rotate@prod.service", "vsync-rotate@prod.timer"].map((name) => join(folder, name));
    const { stderr, exitCode } = await run([
      "systemd-analyze",
      "verify",
      "--man=no",
      "--recursive-errors=no",
      ...units,
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });
});

function hasCommand(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
