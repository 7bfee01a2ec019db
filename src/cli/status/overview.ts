import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { listDotenvEnvs } from "../config/dotenv-files.ts";
import { listRepos, type Warn } from "../config/local-config.ts";
import { type FoundRepo, findRepo, workingFolder } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import { formatTable } from "../terminal/table.ts";
import { shownStore, type VaultStatus, vaultsOf } from "./local-status.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where one is, as far as this machine knows without asking anybody. */
export interface Overview {
  readonly repo: FoundRepo | null;
  readonly vaults: readonly VaultStatus[];
  /** Other repositories that this machine has configs for. */
  readonly otherRepos: readonly string[];
  /** The envs that the folder has a dotenv file for: `prod` of `.env.prod`. */
  readonly dotenvEnvs: readonly string[];
  /** Whether a runtime token is in the environment. */
  readonly hasToken: boolean;
  /** Where the platform's own credential chain would begin here, as far as one sees without asking; null for nowhere. */
  readonly ambient: string | null;
  readonly home: string;
}

/** Reads this machine's files only. */
export async function lookAround(env: Environment, warn: Warn): Promise<Overview> {
  const folder = workingFolder();
  const repo = await findRepo({ flag: undefined, env, folder });
  const [vaults, repos, dotenvEnvs] = await Promise.all([
    repo === null ? [] : vaultsOf(repo.name, false, warn),
    listRepos(),
    listDotenvEnvs(folder),
  ]);
  const otherRepos = repos.filter((name) => name !== repo?.name);
  const hasToken = Boolean(env["VSYNC_CONFIG"] || env["VSYNC_CONFIG_FILE"]);
  const home = homedir();
  return { repo, vaults, otherRepos, dotenvEnvs, hasToken, ambient: await ambientSource(env, home), home };
}

const AMBIENT_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

async function ambientSource(env: Environment, home: string): Promise<string | null> {
  const variable = AMBIENT_VARIABLES.find((name) => env[name]);
  if (variable !== undefined) return variable;
  const names: readonly string[] = await readdir(join(home, ".aws")).catch(() => []);
  return names.includes("credentials") || names.includes("config") ? "~/.aws" : null;
}

/** A command, and what it is for. */
interface Step {
  readonly command: string;
  readonly why: string;
}

/** What `vsync` alone says: where one is, and what to type next. */
export async function showOverview(env: Readonly<Record<string, string | undefined>>, output: Output): Promise<void> {
  const overview = await lookAround(env, (text) => output.warn(text));
  output.line(placeOf(overview));
  const { vaults, otherRepos, hasToken } = overview;
  if (vaults.length > 0) {
    output.line("");
    const [head = "", ...rows] = formatTable(columnsFor(overview), vaults, { head: true });
    output.heading(head);
    for (const row of rows) output.line(row);
  } else if (otherRepos.length > 0) {
    output.line(`This machine has configs for other repositories: ${otherRepos.join(", ")}.`);
  }
  if (hasToken) output.line("VSYNC_CONFIG is set: commands without an env open the vault of that token.");
  output.line("");
  output.heading("Next:");
  const columns = [
    { head: "", cell: ({ command }: Step) => `  ${command}` },
    { head: "", cell: ({ why }: Step) => why },
  ];
  for (const line of formatTable(columns, nextSteps(overview), { head: false })) output.line(line);
}

function placeOf({ repo, vaults, home }: Overview): string {
  if (repo === null) return "vsync: this folder is in no repository (no .git, no package.json with a name).";
  const found = `${repo.name} (${nameSource(repo.from, home)})`;
  return vaults.length === 0 ? `${found}: no environment is set up on this machine.` : `${found}:`;
}

function nameSource(from: string, home: string): string {
  if (from === "VSYNC_REPO") return "named by VSYNC_REPO";
  const shown = from.startsWith(`${home}${sep}`) ? `~${from.slice(home.length)}` : from;
  return from.endsWith("package.json") ? `the name in ${shown}` : `the git folder ${shown}`;
}

function columnsFor({ home, ambient }: Overview) {
  return [
    { head: "ENV", cell: ({ env }: VaultStatus) => env },
    { head: "SEEN", cell: ({ seenGen }: VaultStatus) => (seenGen === null ? "?" : seenText(seenGen)) },
    { head: "CREDENTIALS", cell: (vault: VaultStatus) => credentialsText(vault, ambient) },
    { head: "STORE", cell: (vault: VaultStatus) => shownStore(vault, home) },
  ];
}

function seenText(seenGen: number): string {
  return seenGen === 0 ? "no push" : `gen ${seenGen}`;
}

function credentialsText({ credentials, fault }: VaultStatus, ambient: string | null): string {
  if (fault !== null) return "?";
  if (credentials === "ambient") return ambient === null ? "ambient: none here" : `ambient: ${ambient}`;
  return credentials ?? "none needed";
}

/** What to type, most likely first. */
function nextSteps({ repo, vaults, dotenvEnvs, hasToken }: Overview): readonly Step[] {
  const steps = repo === null || vaults.length === 0 ? setUp(repo === null, dotenvEnvs) : dayToDay(vaults, dotenvEnvs);
  const token = { command: "vsync inspect", why: "show what the token in VSYNC_CONFIG says" };
  return [...steps, ...(hasToken ? [token] : []), { command: "vsync --help", why: "all commands" }];
}

function setUp(needsName: boolean, dotenvEnvs: readonly string[]): readonly Step[] {
  const command = `vsync init --env=${dotenvEnvs[0] ?? "dev"}${needsName ? " --repo=<name>" : ""}`;
  return [{ command, why: "set up a vault, or join your team's" }];
}

function dayToDay(vaults: readonly VaultStatus[], dotenvEnvs: readonly string[]): readonly Step[] {
  const broken = vaults.find(({ fault }) => fault !== null);
  if (broken !== undefined) return [{ command: `vsync doctor ${broken.env}`, why: "its config cannot be used" }];
  const empty = vaults.find(({ seenGen }) => seenGen === 0);
  if (empty !== undefined) return [firstPush(empty.env, dotenvEnvs)];
  const env = vaults[0]?.env ?? "";
  return [
    { command: `vsync list ${env}`, why: "the names that it holds" },
    { command: `vsync run ${env} -- <program>`, why: "start a program with its secrets" },
    { command: `vsync runtime-token --env=${env}`, why: "the string that an app boots from" },
  ];
}

function firstPush(env: string, dotenvEnvs: readonly string[]): Step {
  const file = `.env.${env}`;
  if (dotenvEnvs.includes(env)) return { command: `vsync push ${env}`, why: `put ${file} into its vault` };
  return { command: `vsync push ${env} --from=<file>`, why: `there is no ${file} here` };
}
