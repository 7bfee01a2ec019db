import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, realpathSync } from "node:fs";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { InputError } from "../../errors.ts";
import type { SecretSources } from "../inputs/secret-input.ts";

/** The user's editor, and what vsync adds to its command line. */
export interface Editor {
  /** The shell command in VISUAL or EDITOR. */
  readonly command: string;
  readonly args: readonly string[];
  /** The program's name if it keeps copies of edited files elsewhere, else null. */
  readonly keepsCopies: string | null;
}

/**
 * Turns off swap file, registers, undo file, backup and modelines, which a value could contain. vim reads its vimrc
 * before `BufReadPre`.
 */
const VIM = [
  "-n",
  "-i",
  "NONE",
  "--cmd",
  "autocmd BufReadPre,BufNewFile * set nomodeline noundofile nobackup nowritebackup",
];
/** Flags for editors with a window. Without them the command returns at once, before anybody has typed. */
const WAITING: Readonly<Record<string, readonly string[]>> = {
  code: ["--wait"],
  "code-insiders": ["--wait"],
  codium: ["--wait"],
  cursor: ["--wait"],
  zed: ["--wait"],
  subl: ["--wait"],
  mate: ["--wait"],
  kate: ["--block"],
  gvim: ["-f", ...VIM],
};
const KEEPING_COPIES = new Set(["code", "code-insiders", "codium", "cursor", "zed", "subl", "emacs", "emacsclient"]);
/** Names that may stand for any editor. */
const ALIASES = new Set(["vi", "editor", "sensible-editor"]);

/**
 * @throws InputError neither VISUAL nor EDITOR is set
 */
export function findEditor(variables: SecretSources["variables"]): Editor {
  const command = (variables["VISUAL"] ?? "").trim() || (variables["EDITOR"] ?? "").trim();
  if (command === "") {
    throw new InputError("no editor is set", { hint: "name yours in VISUAL or EDITOR, as in export EDITOR=nano" });
  }
  const [word = ""] = command.split(/\s+/, 1);
  const name = basename(ALIASES.has(basename(word)) ? realProgram(word, variables["PATH"]) : word);
  const args = /^n?vim(?:\.|$)/.test(name) ? VIM : (WAITING[name] ?? []);
  const [waits = ""] = args;
  const hasOwn = waits.startsWith("--") && command.split(/\s+/).some((it) => it === waits || it === "-w");
  return { command, args: hasOwn ? [] : args, keepsCopies: KEEPING_COPIES.has(name) ? name : null };
}

function realProgram(word: string, path = ""): string {
  const places = isAbsolute(word) ? [word] : path.split(delimiter).map((folder) => join(folder, word));
  const found = places.find(isExecutable);
  return found === undefined ? word : realpathSync(found);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The terminal sends these to the whole foreground group; while the editor runs, they are meant for it. */
const KEYS = ["SIGINT", "SIGQUIT"] as const;

/**
 * Opens a file in the editor and waits until the editor ends. The editor does not see vsync's variables.
 *
 * @throws InputError it cannot be started, or its exit code is not 0
 */
export async function runEditor(
  { command, args }: Editor,
  path: string,
  { variables, prompter }: Pick<SecretSources, "variables" | "prompter">,
): Promise<void> {
  const env = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("VSYNC_")));
  const terminal = prompter.isInteractive && process.platform !== "win32" ? openSync("/dev/tty", "r+") : null;
  prompter.speakUp();
  const before = KEYS.map((key) => [key, process.listeners(key)] as const);
  for (const key of KEYS) process.removeAllListeners(key).on(key, ignore);
  try {
    // Without a terminal the editor writes to stderr, because stdout is for the command's result.
    const stdio = terminal === null ? (["inherit", 2, 2] as const) : ([terminal, terminal, terminal] as const);
    const words = process.platform === "win32" ? [...args, `"${path}"`] : [`${command} "$@"`, command, ...args, path];
    const child =
      process.platform === "win32"
        ? spawn(command, words, { env, stdio: [...stdio], shell: true })
        : spawn("/bin/sh", ["-c", ...words], { env, stdio: [...stdio] });
    const fault = await new Promise<string | null>((resolve) => {
      child.once("error", (error) => resolve(`cannot be started (${error.message})`));
      child.once("close", (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`));
    });
    if (fault === null) return;
    throw new InputError(`the editor ${fault}: nothing was committed`, {
      hint: "check VISUAL and EDITOR, unless you left it that way on purpose",
    });
  } finally {
    if (terminal !== null) closeSync(terminal);
    for (const [key, listeners] of before) {
      process.removeAllListeners(key);
      for (const listener of listeners) process.on(key, listener);
    }
  }
}

function ignore(): void {
  // The editor handles the signal.
}
