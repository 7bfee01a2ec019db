import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { type Command, ROOT, type Step } from "../../docs/page.ts";
import { STAND_INS } from "../../docs/stand-ins.ts";
import { programUnderTest, type Sandbox } from "./sandbox.ts";
import { startTerminal } from "./terminal.ts";

/** What a page's names stand for on this machine. */
export interface Scene {
  readonly sandbox: Sandbox;
  readonly env: Readonly<Record<string, string>>;
  /** The S3 server that buckets of the page are on. */
  readonly endpoint?: string;
  /** What `VSYNC_CONFIG=…`, `VSYNC_PASSPHRASE=…` and `AKIA…` of the page stand for. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly command: Command;
  readonly exitCode: number;
  /** stdout and stderr as a terminal would show them. */
  readonly output: string;
}

/** Absolute paths of a page lie below this folder. */
const outsideOf = ({ folder }: Sandbox): string => join(folder, "outside");
const OUTSIDE = /(?<=^|[\s=:"'@(<>]|file:\/\/)\/(etc|run|media|mnt|srv|var|secrets)(?=\/)/gm;

/** Puts the program, the tools that are stood in for, and the library where a page's commands find them. */
export async function furnish({ sandbox }: Scene): Promise<void> {
  const [program = "", ...first] = programUnderTest();
  const vsync = [program, ...first].map((word) => `"${word}"`).join(" ");
  await sandbox.write("bin/vsync", `#!/bin/sh\nexec ${vsync} "$@"\n`, 0o700);
  const standIn = `"${process.execPath}" "${join(ROOT, "test/docs/stand-in-process.ts")}"`;
  for (const tool of Object.keys(STAND_INS)) {
    await sandbox.write(`bin/${tool}`, `#!/bin/sh\nexec ${standIn} ${tool} "$@"\n`, 0o700);
  }
  await mkdir(join(sandbox.work, "node_modules"), { recursive: true });
  await symlink(ROOT, join(sandbox.work, "node_modules", "vsync"));
  for (const name of ["bin", "examples"]) await symlink(join(ROOT, name), join(sandbox.work, name));
  for (const name of ["etc/vsync", "media/stick", "run/secrets", "run/vsync", "srv", "var/lib", "mnt"]) {
    await mkdir(join(outsideOf(sandbox), name), { recursive: true });
  }
}

/** Runs the steps in one shell, in their order: what one exports the next ones see. */
export async function runSteps(scene: Scene, steps: readonly Step[]): Promise<Ran[]> {
  const { sandbox } = scene;
  const commands: Command[] = [];
  const script = [];
  for (const [at, step] of steps.entries()) {
    if ("content" in step) {
      await sandbox.write(`files/${at}`, step.content);
      script.push(`mkdir -p "$(dirname '${step.name}')" && cp "$top/files/${at}" '${step.name}'`);
    } else {
      const n = commands.push(step) - 1;
      script.push(`{ ${staged(step.text, scene)}\n} >"$top/said.${n}" 2>&1 </dev/null; echo $? >"$top/code.${n}"`);
    }
  }
  await sandbox.write("script", `top=${sandbox.folder}\n${script.join("\n")}\n`);
  await shell(scene);
  return Promise.all(commands.map((command, n) => ranAt(sandbox, command, n)));
}

/** Runs one command on a terminal, and answers what it asks. */
export async function typeAt(scene: Scene, command: Command, answers: readonly [string, string][]): Promise<Ran> {
  const { sandbox } = scene;
  const options = { cwd: sandbox.work, env: environment(scene), notes: sandbox.folder, showStdout: true };
  const session = startTerminal(["sh", "-c", staged(command.text, scene)], options);
  for (const [question, answer] of answers) {
    await session.shows(question);
    session.answer(answer);
  }
  const { screen, exitCode } = await session.end();
  return { command, output: screen, exitCode: exitCode ?? -1 };
}

async function shell(scene: Scene): Promise<void> {
  const { sandbox } = scene;
  const child = spawn("sh", [join(sandbox.folder, "script")], {
    cwd: sandbox.work,
    env: environment(scene),
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  await once(child, "close");
}

function environment({ sandbox: { folder, home }, env }: Scene): Record<string, string> {
  return {
    HOME: home,
    LANG: "C.UTF-8",
    PATH: `${join(folder, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    TMPDIR: join(folder, "tmp"),
    STAND_IN_RECORD: join(folder, "stand-ins.jsonl"),
    ...env,
  };
}

async function ranAt({ folder }: Sandbox, command: Command, n: number): Promise<Ran> {
  const [output, code] = await Promise.all([
    readFile(join(folder, `said.${n}`), "utf8").catch(() => "(it was not reached)"),
    readFile(join(folder, `code.${n}`), "utf8").catch(() => "-1"),
  ]);
  return { command, output, exitCode: Number(code) };
}

/** The line as this machine can run it. */
function staged(text: string, { sandbox, endpoint, values = {} }: Scene): string {
  let line = text.replace(OUTSIDE, `${outsideOf(sandbox)}/$1`).replaceAll("/home/ann", sandbox.home);
  for (const [name, value] of Object.entries(values)) line = line.replaceAll(name, value);
  if (endpoint === undefined) return line;
  line = line.replaceAll("https://s3.example.com", endpoint);
  const namesBucket = /^(vsync (?:init|policy) (?!.*--endpoint))(.*--bucket)/gm;
  return line.replace(namesBucket, `$1--endpoint=${endpoint} $2`);
}

/** Whether the output is what the page shows: `…` stands for the rest of a line, alone on a line for any lines. */
export function isShown(expected: readonly string[], actual: string, scene: Scene): boolean {
  const pattern = expected.map((line) => lineAsPattern(tidied(line))).join("");
  return new RegExp(`^${pattern}$`).test(`${unstaged(actual, scene).replace(/\n+$/, "")}\n`);
}

/** What was printed, with this machine's own names, times and paddings taken back. */
export function unstaged(actual: string, { sandbox, endpoint }: Scene): string {
  const { username } = userInfo();
  const named = actual
    .replaceAll(outsideOf(sandbox), "")
    .replaceAll(`${sandbox.home}/store`, `${sandbox.home}/.local/share/vsync`)
    .replaceAll(sandbox.home, "/home/ann")
    .replaceAll(sandbox.work, "/home/ann/api")
    .replaceAll(endpoint ?? "\0", "https://s3.eu-central-1.amazonaws.com")
    .replaceAll(`${username}@${hostname()}`, "ann@laptop")
    .replaceAll(` by ${username} on ${hostname()}`, " by ann on laptop");
  return tidied(named);
}

function tidied(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>")
    .replace(/v=\d{8}T\d{9}Z/g, "v=<time>")
    .replace(/ {2,}/g, "  ")
    .replace(/ +$/gm, "");
}

function lineAsPattern(line: string): string {
  if (line === "…") return "(?:.*\n)*";
  return `${line.split("…").map(escaped).join(".*")}\n`;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
