import { EXIT_CODES } from "../../src/cli/help/page.ts";
import { wrapShell } from "../../src/cli/terminal/layout.ts";
import { bold, entries, filled, paragraphs, section, shell, text, title } from "./roff.mjs";

/** The indentation of a page leaves this many of 80 columns. */
const EXAMPLE_COLUMNS = 72;

const dashed = (name) => name.replaceAll(" ", "-");
const join = (lines) => `${lines.join("\n")}\n`;
const references = (names) =>
  names.flatMap((name, index) => [`.BR ${text(dashed(name))} (1)${index < names.length - 1 ? " ," : ""}`]);

/** The man page of one command: the text of `--help`, and its own exit codes or those in `issue.exitCodes`. */
export function commandPage(page, issue) {
  const name = dashed(page.name);
  const sections = page.sections.filter(({ title: it }) => it !== EXIT_CODES);
  const exitCodes = page.sections.find(({ title: it }) => it === EXIT_CODES)?.entries ?? issue.exitCodes;
  const related = [issue.bin, ...issue.names.filter((it) => it.startsWith(`${page.name} `))];
  return join([
    title(name, issue),
    ...section("NAME", [`${text(name)} \\-`, text(page.summary)]),
    ...section("SYNOPSIS", synopsis(page.usage, page.name)),
    ...section("DESCRIPTION", paragraphs(page.paragraphs)),
    ...sections.flatMap((it) => section(it.title, entries(it.entries))),
    ...section("EXAMPLES", shell(page.examples.map((line) => wrapShell(line, EXAMPLE_COLUMNS)))),
    ...section("EXIT STATUS", entries(exitCodes)),
    ...section("SEE ALSO", references(related)),
  ]);
}

/** The man page of the program: its commands, variables, files and exit codes. */
export function programPage({ description, groups, exitCodes, ...issue }) {
  const names = groups.flatMap((group) => group.entries.map(({ label }) => `${issue.bin} ${label}`));
  return join([
    title(issue.bin, issue),
    ...section("NAME", [`${text(issue.bin)} \\-`, ...filled(description)]),
    ...section("SYNOPSIS", synopsis([`${issue.bin} COMMAND [arguments] [flags]`], issue.bin)),
    ...section("DESCRIPTION", paragraphs(PROGRAM)),
    ...groups.flatMap((group) => section(group.title, entries(group.entries))),
    ...section("ENVIRONMENT", entries(ENVIRONMENT)),
    ...section("FILES", entries(FILES)),
    ...section("EXIT STATUS", entries(exitCodes)),
    ...section("SEE ALSO", references(names)),
  ]);
}

function synopsis(usage, name) {
  return usage.flatMap((line, index) => [
    ...(index === 0 ? [] : [".br"]),
    `${bold(name)}${text(line.slice(name.length))}`,
  ]);
}

const PROGRAM = [
  "The secrets of one (repository, environment) are one encrypted, signed bundle in an S3 bucket or a directory. An app boots from two strings: a runtime token and a passphrase.",
  "vsync alone says where you are and what to type next. Each command has a page of its own, and --help.",
];

const ENVIRONMENT = [
  { label: "VSYNC_PASSPHRASE, VSYNC_PASSPHRASE_FILE", text: "The passphrase, or the file that holds it, which wins." },
  { label: "VSYNC_CONFIG, VSYNC_CONFIG_FILE", text: "The runtime token, which names the vault if you name no env." },
  { label: "VSYNC_REPO", text: "The name of the repository, unless you give --repo." },
  { label: "VSYNC_ACTOR", text: "The user that audit rows name, in place of your account or the CI job's user." },
  {
    label: "XDG_CONFIG_HOME, XDG_DATA_HOME",
    text: "Where configs and local vaults live, if these are absolute paths.",
  },
  { label: "NO_COLOR", text: "No colours." },
];

const FILES = [
  {
    label: "~/.config/vsync/<repo>/<env>.json",
    text: "What this machine knows of a vault; mode 0600. Never the passphrase.",
  },
  { label: "~/.local/share/vsync/", text: "Vaults that live on this machine." },
  { label: ".env.<env>", text: "The dotenv file that push reads and pull writes." },
];
