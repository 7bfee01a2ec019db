import { accessSync, closeSync, constants, openSync, readFileSync, readSync, statSync } from "node:fs";
import { InputError, ProgramNotFoundError, ProgramNotStartedError } from "../../errors.ts";
import { isVariableName } from "../items/dotenv/secret-text.ts";
import { type Variable, valueOf } from "./caller.ts";
import { MAX_VARIABLE_BYTES } from "./environment.ts";

/** A program that was found and checked, with its arguments and all of its variables. */
export interface Program {
  readonly path: Buffer;
  /** The program as typed, and its arguments. */
  readonly words: readonly Buffer[];
  readonly variables: readonly Variable[];
}

/** @throws InputError no words after `--` */
export function requiredCommandLine(commandLine: readonly string[] | null): readonly string[] {
  if (commandLine !== null && commandLine.length > 0) return commandLine;
  throw new InputError("missing the program to run", {
    hint: "name it after --, as in `vsync run prod -- node app.js`",
  });
}

/**
 * Finds the program in its own PATH, as execvp(3) does, and explains failures for which the system only gives a number:
 * exec fails with ENOENT both for a missing script and for one whose interpreter is missing.
 *
 * @throws ProgramNotFoundError, ProgramNotStartedError
 */
export function findProgram(words: readonly Buffer[], variables: readonly Variable[]): Program {
  const [name = Buffer.alloc(0)] = words;
  const path = located(name, variables, words.length);
  const fault = faultOf(path);
  if (fault !== null) throw notStarted(name, fault.what, fault.hint);
  const program = { path, words, variables };
  if (process.platform === "linux") requireFits(program);
  return program;
}

/** @throws ProgramNotStartedError naming the program */
export function notStarted(name: Uint8Array, what: string, hint?: string): ProgramNotStartedError {
  return new ProgramNotStartedError(
    `cannot run ${Buffer.from(name).toString()}: ${what}`,
    hint === undefined ? {} : { hint },
  );
}

/** The default PATH: confstr(3), _CS_PATH. */
const USUAL_PATH = "/bin:/usr/bin";
const X_OK = "make it executable with chmod +x, or name its interpreter";

function located(name: Buffer, variables: readonly Variable[], count: number): Buffer {
  if (name.length === 0) {
    throw new ProgramNotFoundError("cannot run a program whose name is empty", {
      hint: "check the variable after -- that should name it",
    });
  }
  const isPath = name.includes("/") || process.platform === "win32";
  const places = isPath ? [name] : inPath(name, valueOf("PATH", variables) ?? Buffer.from(USUAL_PATH));
  const kinds = places.map((place) => [place, kindOf(place)] as const);
  const found = kinds.find(([, kind]) => kind === "program");
  if (found !== undefined || process.platform === "win32") return found?.[0] ?? name;
  if (kinds.some(([, kind]) => kind === "closed")) throw notStarted(name, "not executable", X_OK);
  if (kinds.some(([, kind]) => kind === "folder")) {
    throw notStarted(name, "it is a folder", name.toString() === "." ? PART_OF_SHELLS : "name a program in it");
  }
  if (kinds.some(([, kind]) => kind === "refused")) throw notStarted(name, "its path is too long, or a loop of links");
  // In PATH, a file in place of a folder is skipped.
  if (isPath && kinds[0]?.[1] === "inside a file") throw notStarted(name, "a folder in its path is a file");
  throw new ProgramNotFoundError(`cannot run ${name.toString()}: no such program`, {
    hint: hintFor(name.toString(), count),
  });
}

/** An empty part of PATH means the working folder. */
function inPath(name: Buffer, path: Buffer): readonly Buffer[] {
  // latin1 preserves every byte.
  const folders = path.toString("latin1").split(":");
  return folders.map((it) => Buffer.concat([Buffer.from(it === "" ? "./" : `${it}/`, "latin1"), name]));
}

function kindOf(path: Buffer): "program" | "folder" | "closed" | "refused" | "inside a file" | "missing" {
  try {
    if (statSync(path).isDirectory()) return "folder";
    accessSync(path, constants.X_OK);
    return "program";
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EACCES") return "closed";
    if (code === "ENOTDIR") return "inside a file";
    return ["ELOOP", "ENAMETOOLONG"].includes(code) ? "refused" : "missing";
  }
}

const BUILT_INTO_SHELLS = new Set([
  ".",
  "alias",
  "cd",
  "eval",
  "exec",
  "export",
  "set",
  "source",
  "ulimit",
  "umask",
  "unset",
]);

const PART_OF_SHELLS = "it is built into shells: `vsync run … -- sh -c '…'`";

/** Guesses what the user meant for a shell, which removed the quotes or was never involved. */
function hintFor(word: string, count: number): string {
  const [first = "", ...rest] = word.split("=");
  if (rest.length > 0 && isVariableName(first))
    return `set ${first} with env: \`vsync run … -- env ${first}=… <program>\``;
  const isLine = count === 1 && /[\s$|&;<>()*?`"'\\~]/.test(word);
  if (isLine) return `for shell syntax, start a shell: \`vsync run … -- sh -c '${word.replaceAll("'", "'\\''")}'\``;
  if (BUILT_INTO_SHELLS.has(word)) return PART_OF_SHELLS;
  return "check its name and PATH";
}

interface Fault {
  readonly what: string;
  readonly hint: string;
}

/** Linux reads this much of a script's first line, after `#!` (BINPRM_BUF_SIZE). */
const MAX_FIRST_LINE = 254;

/**
 * Why the system would not execute the file, or null if nothing is wrong with it. A text without `#!` is a script for
 * /bin/sh.
 */
function faultOf(path: Buffer): Fault | null {
  const head = headOf(path);
  if (head.toString("latin1", 0, 2) === "#!") return scriptFault(head.toString("latin1", 2).split("\n", 1)[0] ?? "");
  const loader = loaderOf(head);
  if (loader === null || kindOf(loader) !== "missing") return null;
  return {
    what: `its loader ${loader.toString()} does not exist`,
    hint: "it was built for another system or C library",
  };
}

function headOf(path: Buffer): Buffer {
  const head = Buffer.alloc(4096);
  try {
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      return head.subarray(0, readSync(descriptor, head));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A program may be executable without being readable.
    return Buffer.alloc(0);
  }
}

function scriptFault(line: string): Fault | null {
  const [interpreter = "", argument = ""] = line
    .slice(0, MAX_FIRST_LINE)
    .replace(/\0[^]*/, "")
    .trim()
    .split(/[ \t]+/);
  const endsInReturn = line.endsWith("\r") && (argument === "" || interpreter.endsWith("/env"));
  const named = Buffer.from(interpreter, "latin1").toString();
  if (endsInReturn) {
    return {
      what: `its first line, #!${named}${argument === "" ? "" : ` ${argument}`}, ends in a carriage return (CR)`,
      hint: "it has Windows line ends: convert it with `sed -i 's/\\r$//'`",
    };
  }
  // If the interpreter's name does not fit into that, Linux treats the file as one without #!.
  const isCut = line.length >= MAX_FIRST_LINE && !/[ \t]/.test(line.slice(0, MAX_FIRST_LINE).trimStart());
  if (process.platform === "win32" || interpreter === "" || isCut) return null;
  const kind = kindOf(Buffer.from(interpreter, "latin1"));
  if (kind === "program") return null;
  const what = kind === "missing" ? "does not exist" : "is not executable";
  return { what: `its interpreter ${named} ${what}`, hint: "check its first line, or name an interpreter before it" };
}

const PT_INTERP = 3;

/** The program interpreter of a 64-bit little-endian ELF file: elf(5). */
function loaderOf(head: Buffer): Buffer | null {
  if (head.length < 64 || head.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return null;
  const [table, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = table; at < table + size * count && at + 56 <= head.length; at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(head.readBigUInt64LE(at + 8));
    const end = head.indexOf(0, from);
    return from >= head.length || end === -1 ? null : head.subarray(from, end);
  }
  return null;
}

/** execve(2), "Limits on size of arguments and environment". */
const [LEAST_TOTAL, MOST_TOTAL] = [131_072, 6 * 1024 * 1024];
/** What starting through env(1) or an interpreter adds. */
const SPARE = 4096;

/**
 * Finds out what is too large, which the operating system does not say.
 *
 * @throws ProgramNotStartedError naming it
 */
function requireFits({ words, variables }: Program): void {
  const [name = Buffer.alloc(0)] = words;
  const argument = words.findIndex((word) => word.length >= MAX_VARIABLE_BYTES);
  if (argument !== -1) {
    const what = `argument ${argument} has ${words[argument]?.length} bytes, and Linux takes ${MAX_VARIABLE_BYTES - 1}`;
    throw notStarted(name, what, "pass it in a file or on stdin");
  }
  const largest = variables.reduce((a, b) => (b.entry.length > a.entry.length ? b : a), {
    name: "",
    entry: Buffer.alloc(0),
  });
  if (largest.entry.length >= MAX_VARIABLE_BYTES) {
    throw notStarted(
      name,
      `the variable ${largest.name} has ${largest.entry.length} bytes, and Linux takes ${MAX_VARIABLE_BYTES - 1}`,
      "leave it out with --except, and let the program read it with `vsync get` or the library",
    );
  }
  const all = [...words, ...variables.map(({ entry }) => entry)];
  // Each also takes a NUL and a pointer of 8 bytes.
  const bytes = all.reduce((sum, { length }) => sum + length + 9, 0);
  if (bytes + SPARE <= totalLimit()) return;
  throw notStarted(
    name,
    `its arguments and ${variables.length} variables have ${bytes} bytes, more than this system allows; the largest is ${largest.name} with ${largest.entry.length}`,
    "pass only what it needs with --only=<key>,<key>; it can read large ones with `vsync get` or the library's path()",
  );
}

function totalLimit(): number {
  try {
    const stack = /^Max stack size\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return Math.max(LEAST_TOTAL, Math.min(MOST_TOTAL, stack === undefined ? MOST_TOTAL : Number(stack) / 4));
  } catch {
    return MOST_TOTAL;
  }
}
