import { sep } from "node:path";
import { isAwsHost } from "../../s3/wire/aws.ts";
import { ambientSource } from "../config/aws-setup.ts";
import type { Warn } from "../config/local-config.ts";
import { homeFolder, listRepos } from "../config/paths.ts";
import { listDotenvEnvs, workingFolder } from "../config/target.ts";
import { isSetIn } from "../inputs/secret-input.ts";
import { proposedEnvs } from "../project/project-file.ts";
import { findRepo, type WhichRepo } from "../project/which-vault.ts";
import { formatTable } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";
import { type VaultStatus, vaultsOf } from "./local-status.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** What this machine knows about the current folder, from local files alone. */
export interface Overview {
  readonly repo: WhichRepo | null;
  readonly vaults: readonly VaultStatus[];
  /** The other repositories that this machine has configs for. */
  readonly otherRepos: readonly string[];
  /** The envs with a dotenv file in the folder: `prod` for `.env.prod`. */
  readonly dotenvEnvs: readonly string[];
  /** Whether a runtime token is in the environment. */
  readonly hasToken: boolean;
  /** What the platform's credential chain would use first, or null. */
  readonly ambient: string | null;
  readonly home: string;
}

async function lookAround(variables: Variables, warn: Warn): Promise<Overview> {
  const folder = workingFolder();
  const repo = await findRepo(undefined, { variables, folder, warn });
  const [vaults, repos, dotenvEnvs] = await Promise.all([
    repo === null ? [] : vaultsOf(repo, false, warn),
    listRepos(),
    listDotenvEnvs(folder),
  ]);
  const otherRepos = repos.filter((name) => name !== repo?.name);
  const hasToken = isSetIn(variables, { variable: "VSYNC_CONFIG" });
  const home = homeFolder();
  return { repo, vaults, otherRepos, dotenvEnvs, hasToken, ambient: await ambientSource(variables, home), home };
}

interface Step {
  readonly command: string;
  readonly why: string;
}

/** The output of plain `vsync`: what is set up here, and what to type next. */
export async function showOverview(variables: Variables, output: Output): Promise<void> {
  const overview = await lookAround(variables, output.warn);
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
  const found = `${repo.name} (${nameSource(repo, home)})`;
  return vaults.length === 0 ? `${found}: no environment is set up on this machine.` : `${found}:`;
}

function nameSource({ from, by }: WhichRepo, home: string): string {
  if (from === "VSYNC_REPO") return "named by VSYNC_REPO";
  const shown = from.startsWith(`${home}${sep}`) ? `~${from.slice(home.length)}` : from;
  return by === "root" ? `known from ${shown}` : `named by ${shown}`;
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

/** Commands to try, the most useful first. */
function nextSteps(overview: Overview): readonly Step[] {
  const token = { command: "vsync inspect", why: "show what the token in VSYNC_CONFIG says" };
  const last = { command: "vsync --help", why: "all commands" };
  return [...stepsHere(overview), ...(overview.hasToken ? [token] : []), last];
}

function stepsHere({ repo, vaults, dotenvEnvs, hasToken }: Overview): readonly Step[] {
  if (vaults.length > 0) return dayToDay(vaults, dotenvEnvs);
  if (hasToken) return readSteps("");
  return setUp(repo === null, [...proposedEnvs(repo?.project.file ?? null), ...dotenvEnvs]);
}

/** @param env with a space before it; empty for the vault of `VSYNC_CONFIG` */
function readSteps(env: string): readonly Step[] {
  return [
    { command: `vsync list${env}`, why: "the names that it holds" },
    { command: `vsync run${env} -- <program>`, why: "start a program with its secrets" },
  ];
}

function setUp(needsName: boolean, [env = "dev"]: readonly string[]): readonly Step[] {
  const command = `vsync init --env=${env}${needsName ? " --repo=<name>" : ""}`;
  return [{ command, why: "set up a vault, or join your team's" }];
}

function dayToDay(vaults: readonly VaultStatus[], dotenvEnvs: readonly string[]): readonly Step[] {
  const broken = vaults.find(({ fault }) => fault !== null);
  if (broken !== undefined) return [{ command: `vsync doctor ${broken.env}`, why: "its config cannot be used" }];
  const empty = vaults.find(({ seenGen }) => seenGen === 0);
  if (empty !== undefined) return [firstPush(empty.env, dotenvEnvs)];
  const env = vaults[0]?.env ?? "";
  const token = { command: `vsync tokens create ${env} --name=<app>`, why: "the string that an app boots from" };
  return [...readSteps(` ${env}`), token];
}

function firstPush(env: string, dotenvEnvs: readonly string[]): Step {
  const file = `.env.${env}`;
  if (dotenvEnvs.includes(env)) return { command: `vsync push ${env}`, why: `put ${file} into its vault` };
  return { command: `vsync push ${env} --from=<file>`, why: `this folder has no ${file}` };
}

/** A store in one short word: `s3://bucket/prefix/`, with the host unless it is AWS, or `~/vaults/prefix/`. */
function shownStore({ endpoint, bucket, prefix }: VaultStatus, home: string): string {
  if (endpoint === null) return "?";
  if (!endpoint.startsWith("file://")) return `s3://${bucket}/${prefix}${hostRemark(endpoint)}`;
  const path = decoded(endpoint.slice("file://".length)).replace(/^\/(?=[A-Za-z]:\/)/, "");
  const folder = `${path}/${bucket}/${prefix}`;
  return home !== "" && folder.startsWith(`${home}/`) ? `~${folder.slice(home.length)}` : folder;
}

function hostRemark(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "";
  const { host } = new URL(endpoint);
  return isAwsHost(new URL(endpoint).hostname) ? "" : ` at ${host}`;
}

/** Shows a malformed path as it is; only commands that use the endpoint refuse it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
