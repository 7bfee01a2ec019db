import { InputError } from "../../errors.ts";
import type { BaseCommand } from "../command/base-command.ts";
import { closest } from "../terminal/closest.ts";

/** A concrete command: `BaseCommand` itself is abstract. */
export type CommandClass = Pick<typeof BaseCommand, keyof typeof BaseCommand> &
  (new (
    ...args: ConstructorParameters<typeof BaseCommand>
  ) => BaseCommand);

/** Imports a command's class, by its id (`audit:verify`). */
export type CommandLoaders = Readonly<Record<string, () => Promise<CommandClass>>>;

/** The loaders, under the headings of the help. */
export type CommandTable = Readonly<Record<string, CommandLoaders>>;

export function loadersOf(table: CommandTable): CommandLoaders {
  return Object.assign({}, ...Object.values(table));
}

/** A command and the words after its name. */
export interface FoundCommand {
  /** `audit:verify` */
  readonly id: string;
  readonly rest: readonly string[];
}

/**
 * Finds the longest run of leading words that names a command: `audit verify prod` is `audit:verify`, not `audit`.
 *
 * @throws InputError unknown command; the hint suggests the nearest one
 */
export function findCommand(argv: readonly string[], ids: readonly string[]): FoundCommand {
  const words = withoutAlias(argv, ids);
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const id = words.slice(0, length).join(":");
    if (!ids.includes(id)) continue;
    const rest = words.slice(length);
    refuseMistypedTopic(id, rest[0], ids);
    return { id, rest };
  }
  throw unknownCommand(argv, ids);
}

/** `audit verfy` is a typo, not an env called `verfy`. That env can still be given with --env. */
function refuseMistypedTopic(id: string, next: string | undefined, ids: readonly string[]): void {
  if (next === undefined || next.startsWith("-")) return;
  const below = ids.filter((it) => it.startsWith(`${id}:`)).map((it) => it.slice(id.length + 1));
  const meant = closest(next, below);
  if (meant === null) return;
  const hint = `did you mean vsync ${id.replaceAll(":", " ")} ${meant}? For an env of that name, use --env=`;
  throw new InputError(unknown([id, next]), { hint });
}

/** Names that people know from other tools. */
const ALIASES: Readonly<Record<string, string>> = {
  ls: "list",
  rm: "unset",
  env: "status",
  token: "runtime-token",
  rotate: "rotate-passphrase",
};

/** `token create` means a command `tokens …`, but `token` alone means the runtime token. */
function withoutAlias([first = "", ...rest]: readonly string[], ids: readonly string[]): readonly string[] {
  if (ids.includes(`${first}s:${rest[0]}`)) return [`${first}s`, ...rest];
  return [Object.hasOwn(ALIASES, first) ? (ALIASES[first] ?? first) : first, ...rest];
}

/** Words that people try, and the command that does that here. */
const SPELLED: Readonly<Record<string, string>> = {
  "-v": "vsync --version",
  "-V": "vsync --version",
  add: "vsync set",
  backup: "vsync pull",
  cat: "vsync get",
  check: "vsync doctor",
  clone: "vsync init",
  config: "vsync status",
  configure: "vsync init",
  cp: "vsync copy",
  create: "vsync init",
  decrypt: "vsync pull",
  del: "vsync unset",
  delete: "vsync unset",
  download: "vsync pull",
  dump: "vsync export",
  encrypt: "vsync push",
  environments: "vsync status",
  envs: "vsync status",
  exec: "vsync run",
  fetch: "vsync pull",
  info: "vsync status",
  inject: "vsync run",
  join: "vsync init",
  keys: "vsync list",
  load: "vsync import",
  log: "vsync history",
  login: "vsync init",
  logout: "vsync lock",
  logs: "vsync history",
  mv: "vsync move",
  new: "vsync init",
  passwd: "vsync rotate-passphrase",
  print: "vsync get",
  prune: "vsync gc",
  put: "vsync set",
  read: "vsync get",
  remove: "vsync unset",
  rename: "vsync move",
  revert: "vsync restore",
  rollback: "vsync restore",
  secret: "vsync get, vsync set or vsync list",
  secrets: "vsync list",
  setup: "vsync init",
  shell: "vsync run",
  show: "vsync get",
  sync: "vsync pull or vsync push",
  undo: "vsync restore",
  upload: "vsync push",
  validate: "vsync doctor",
  verify: "vsync doctor",
  version: "vsync --version",
  versions: "vsync history",
  whoami: "vsync status",
  write: "vsync set",
};

function unknownCommand(argv: readonly string[], ids: readonly string[]): InputError {
  const typed = argv[0] ?? "";
  if (typed.startsWith("-") && !Object.hasOwn(SPELLED, typed))
    return new InputError("a command comes first", { hint: "see vsync --help" });
  const hint = suggestionFor(argv, ids);
  return new InputError(unknown([typed]), { hint: hint ?? "see vsync --help" });
}

function suggestionFor(argv: readonly string[], ids: readonly string[]): string | null {
  const names = ids.map((id) => id.replaceAll(":", " "));
  const typed = argv[0] ?? "";
  const spelled = Object.hasOwn(SPELLED, typed) ? [SPELLED[typed]] : [];
  const isRelated = (name: string) =>
    name.startsWith(`${typed} `) || name.endsWith(` ${typed}`) || isShortFor(typed, name);
  const related = names.filter(isRelated);
  const likely = [...spelled, ...related.map((it) => `vsync ${it}`)];
  if (likely.length > 0) return `did you mean ${likely.join(" or ")}?`;
  const meant = closest(argv.slice(0, 2).join(" "), names.filter(isTopic)) ?? closest(typed, names);
  return meant === null ? null : `did you mean vsync ${meant}?`;
}

/** `rotate-pass` */
const isShortFor = (typed: string, name: string): boolean =>
  typed.length > 3 && name.startsWith(typed) && !isTopic(name);

const isTopic = (name: string): boolean => name.includes(" ");

/** Repeats only words that could be a command's name; any other word may be a secret. */
function unknown(words: readonly string[]): string {
  const isName = words.every((word) => /^[a-z][a-z:-]{0,30}$/i.test(word));
  return isName ? `unknown command ${words.join(" ").replaceAll(":", " ")}` : "unknown command";
}
