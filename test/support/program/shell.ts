import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { cacheOf, programUnderTest, type Sandbox } from "./sandbox.ts";
import { renderScreen } from "./screen.ts";
import { startTerminal, type TerminalSession } from "./terminal.ts";

/** What the names in a page or a script stand for on this machine. */
export interface Scene {
  readonly sandbox: Sandbox;
  readonly env: Readonly<Record<string, string>>;
  /** The S3 server that `https://s3.example.com` stands for. */
  readonly endpoint?: string;
  /** What `VSYNC_CONFIG=…`, `VSYNC_PASSPHRASE=…` and `AKIA…` of a page stand for. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly stdout: string;
  /** Of a command on a terminal: the screen, with `Question? ⟨answer⟩` for what was asked and typed. */
  readonly stderr: string;
  readonly exitCode: number;
}

/** What somebody types when asked. Keys (`⏎ ↓ ↑ ^C ^D`) are pressed as they are, other text is followed by Enter. */
export interface Answer {
  readonly text: string;
  /** Whether no part of the screen may ever show it. */
  readonly isHidden: boolean;
}

/** A command that runs longer hangs. */
const TIMEOUT_MS = 120_000;
const KEYS: Readonly<Record<string, string>> = {
  "⏎": "\r",
  "↓": "\u001b[B",
  "↑": "\u001b[A",
  "^C": "\u0003",
  "^D": "\u0004",
};
const ONLY_KEYS = /^(?:[⏎↓↑]|\^[CD])+$/;
/** A question, open or answered, as the prompts show it. */
const QUESTION = /^[?✔] /;

/** Puts the program under test where a shell of the sandbox finds it, as `vsync`. */
export async function installProgram(sandbox: Sandbox): Promise<void> {
  const vsync = programUnderTest().map((word) => `"${word}"`);
  await sandbox.write("bin/vsync", `#!/bin/sh\nexec ${vsync.join(" ")} "$@"\n`, 0o700);
}

/** One `sh` for all commands of a section: what one exports the next ones see. */
export class Shell implements AsyncDisposable {
  readonly #scene: Scene;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #count = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    const { sandbox } = scene;
    this.#child = spawn("sh", [], { cwd: sandbox.work, env: environment(scene), stdio: "pipe", detached: true });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.pipe(process.stderr);
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Runs a command without a terminal. With `isMerged`, stdout holds both streams in the order of writing. */
  async run(text: string, { isMerged = false } = {}): Promise<Ran> {
    const n = this.#count++;
    const file = (name: string): string => join(this.#scene.sandbox.folder, `${name}.${n}`);
    const target = isMerged ? "2>&1" : `2>"${file("stderr")}"`;
    const exitCode = await this.#tell(`{ ${staged(text, this.#scene)}\n} >"${file("stdout")}" ${target} </dev/null`);
    const [stdout = "", stderr = ""] = await Promise.all(
      ["stdout", "stderr"].map((name) => readFile(file(name), "utf8").catch(() => "")),
    );
    return exitCode === null
      ? { stdout: "(it was not reached)", stderr: "", exitCode: -1 }
      : { stdout, stderr, exitCode };
  }

  /** Runs a command with stdin and stderr on a terminal, and answers one question after the other. */
  async type(text: string, answers: readonly Answer[]): Promise<Ran> {
    const { sandbox } = this.#scene;
    const notes = join(sandbox.folder, `terminal.${this.#count++}`);
    const state = join(sandbox.folder, "state");
    await this.#tell(`mkdir -p "${notes}"; { export -p; echo cd "'$PWD'"; } >"${state}"`);
    const line = `. "${state}"\n${staged(text, this.#scene)}`;
    const env = { PATH: process.env["PATH"], TERM: "xterm" };
    const session = startTerminal(["sh", "-c", line], { cwd: sandbox.work, env, notes, showStdout: false });
    const asked: string[] = [];
    for (const answer of answers) {
      const question = await openQuestion(session, asked.length);
      if (question === null) break;
      asked.push(`${question} ${written(answer)}`);
      session.press(staged(keysOf(answer), this.#scene));
    }
    const { rawScreen, stdout, exitCode, isRestored } = await session.end();
    if (exitCode !== null && !isRestored) throw new Error(`the terminal was not left as it was found: ${text}`);
    const leaked = answers.find((it) => it.isHidden && rawScreen.includes(it.text));
    if (leaked) throw new Error(`the terminal has shown ${written(leaked)}: ${text}`);
    return { stdout, stderr: withAnswers(renderScreen(rawScreen), asked), exitCode: exitCode ?? -1 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }

  /** The exit code, or null where the shell itself has ended. */
  async #tell(line: string): Promise<number | null> {
    this.#child.stdin.write(`${line}\necho $?\n`);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), TIMEOUT_MS);
    const { value } = await this.#answers.next();
    clearTimeout(timer);
    return value === undefined ? null : Number(value);
  }
}

/** Waits for the question that comes after so many answered ones, as the screen has it; null where none came. */
async function openQuestion(session: TerminalSession, answered: number): Promise<string | null> {
  const screen = await session.until((raw) => questionsOn(raw).length > answered).catch(() => null);
  if (screen === null) return null;
  return (questionsOn(screen)[answered] ?? "").replace(QUESTION, "").replace(/ *\[input is hidden\]/, "");
}

const questionsOn = (raw: string): string[] =>
  renderScreen(raw)
    .split("\n")
    .filter((line) => QUESTION.test(line));

/** The screen with its questions as they were when they were answered. */
function withAnswers(screen: string, asked: readonly string[]): string {
  let at = 0;
  const lines = screen.split("\n").map((line) => {
    const question = QUESTION.test(line) ? asked[at++] : undefined;
    if (question === undefined) return line;
    const [, keys = ""] = /⟨([^⟩]*)⟩$/.exec(question) ?? [];
    const chosen =
      ONLY_KEYS.test(keys) && line.startsWith("✔") ? line.slice(2 + commonStart(line.slice(2), question)).trim() : "";
    return chosen === "" ? question : `${question} ${chosen}`;
  });
  return lines.join("\n");
}

function commonStart(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

const written = ({ text, isHidden }: Answer): string => (isHidden ? `⟪${text}⟫` : `⟨${text}⟩`);

function keysOf({ text }: Answer): string {
  if (!ONLY_KEYS.test(text)) return `${text}\r`;
  return text.replace(/[⏎↓↑]|\^[CD]/g, (key) => KEYS[key] ?? "");
}

function environment({ sandbox: { folder, home }, env }: Scene): Record<string, string> {
  return {
    HOME: home,
    LANG: "C.UTF-8",
    PATH: `${join(folder, "bin")}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    TMPDIR: join(folder, "tmp"),
    STAND_IN_RECORD: join(folder, "stand-ins.jsonl"),
    ...cacheOf(programUnderTest()),
    ...env,
  };
}

/** Absolute paths of a page lie below this folder. */
export const outsideOf = ({ folder }: Sandbox): string => join(folder, "outside");
const OUTSIDE = /(?<=^|[\s=:"'@(<>]|file:\/\/)\/(etc|run|media|mnt|srv|var|secrets)(?=\/)/gm;

/** The line as this machine can run it. */
function staged(text: string, { sandbox, endpoint, values = {} }: Scene): string {
  let line = text.replace(OUTSIDE, `${outsideOf(sandbox)}/$1`);
  line = line.replaceAll("/home/ann/api", sandbox.work).replaceAll("/home/ann", sandbox.home);
  for (const [name, value] of Object.entries(values)) line = line.replaceAll(name, value);
  if (endpoint === undefined) return line;
  line = line.replaceAll("https://s3.example.com", endpoint);
  const namesBucket = /^(vsync (?:init|policy) (?!.*--endpoint))(.*--bucket)/gm;
  return line.replace(namesBucket, `$1--endpoint=${endpoint} $2`);
}

/** What was printed, line by line, with this machine's own names taken back. */
export function unstaged(actual: string, { sandbox, endpoint }: Scene): string[] {
  const { username } = userInfo();
  const named = actual
    .replaceAll(outsideOf(sandbox), "")
    .replaceAll(sandbox.home, "/home/ann")
    .replaceAll(sandbox.work, "/home/ann/api")
    .replaceAll(endpoint ?? "\0", "https://s3.example.com")
    .replaceAll(endpoint?.replace("http://", "") ?? "\0", "s3.example.com")
    .replaceAll(`${username}@${hostname()}`, "ann@laptop")
    .replaceAll(`@${hostname()} `, "@laptop ")
    .replaceAll(`,${username},${hostname()},`, ",ann,laptop,")
    .replaceAll(`"user": "${username}"`, '"user": "ann"')
    .replaceAll(`"host": "${hostname()}"`, '"host": "laptop"')
    .replaceAll(` by ${username} on ${hostname()}`, " by ann on laptop");
  const lines = named.replace(/ +$/gm, "").replace(/\n+$/, "");
  return lines === "" ? [] : lines.split("\n");
}
