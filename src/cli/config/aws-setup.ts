import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { homeFolder } from "./paths.ts";

/** Suggestions from this machine's AWS configuration. Collecting them reads no secret. */
export interface AwsSetup {
  /** The region of the active profile, or null. */
  readonly region: string | null;
  /**
   * What the credential chain would use first (`profile work`, `AWS_ACCESS_KEY_ID`), or null if it would find nothing.
   */
  readonly source: string | null;
  /** The profiles to choose from. */
  readonly profiles: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Follows the AWS SDKs and Tools Reference Guide, "Shared config and credentials files". */
export async function readAwsSetup(variables: Variables): Promise<AwsSetup> {
  const home = homeFolder();
  const [config, credentials] = await Promise.all([
    sectionsIn(variables["AWS_CONFIG_FILE"] || join(home, ".aws", "config")),
    sectionsIn(variables["AWS_SHARED_CREDENTIALS_FILE"] || join(home, ".aws", "credentials")),
  ]);
  const configured = [...config].flatMap(([title, region]) => {
    const name = title === "default" ? title : /^profile\s+(\S+)$/.exec(title)?.[1];
    return name === undefined ? [] : [[name, region] as const];
  });
  const regions = new Map([...credentials, ...configured]);
  const active = variables["AWS_PROFILE"] || "default";
  const profile = regions.has(active) ? `profile ${active}` : null;
  return {
    region: variables["AWS_REGION"] || variables["AWS_DEFAULT_REGION"] || (regions.get(active) ?? null),
    source: variables["AWS_ACCESS_KEY_ID"] && !variables["AWS_PROFILE"] ? "AWS_ACCESS_KEY_ID" : profile,
    profiles: [...regions.keys()].toSorted(),
  };
}

/** Title and region of each section. Empty if the file cannot be read. */
async function sectionsIn(path: string): Promise<Map<string, string | null>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const sections = new Map<string, string | null>();
  let title: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    title = /^\[\s*([^\]]+?)\s*\]/.exec(line)?.[1] ?? title;
    if (title === undefined) continue;
    const region = /^region\s*=\s*([a-z0-9-]+)\s*$/.exec(line)?.[1];
    sections.set(title, region ?? sections.get(title) ?? null);
  }
  return sections;
}

const CHAIN_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/** The variable or folder in which the platform's credential chain would find something, or null. Reads no file. */
export async function ambientSource(variables: Variables, home: string): Promise<string | null> {
  const variable = CHAIN_VARIABLES.find((name) => variables[name]);
  if (variable !== undefined) return variable;
  const names: readonly string[] = await readdir(join(home, ".aws")).catch(() => []);
  return names.includes("credentials") || names.includes("config") ? "~/.aws" : null;
}
