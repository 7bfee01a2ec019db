import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** What the machine's AWS set-up says, as far as it can be suggested to somebody. No secret is read out of it. */
export interface AwsSetup {
  /** Of the profile in force, or null. */
  readonly region: string | null;
  /** Where the credential chain would begin (`profile work`, `AWS_ACCESS_KEY_ID`), or null where nothing is found. */
  readonly source: string | null;
  /** The profiles that AWS_PROFILE could name. */
  readonly profiles: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** By the variables and file formats of the AWS SDKs and Tools Reference Guide ("Shared config and credentials files"). */
export async function readAwsSetup(env: Variables): Promise<AwsSetup> {
  const [config, credentials] = await Promise.all([
    sectionsIn(env["AWS_CONFIG_FILE"] || join(homedir(), ".aws", "config")),
    sectionsIn(env["AWS_SHARED_CREDENTIALS_FILE"] || join(homedir(), ".aws", "credentials")),
  ]);
  const configured = [...config].flatMap(([title, region]) => {
    const name = title === "default" ? title : /^profile\s+(\S+)$/.exec(title)?.[1];
    return name === undefined ? [] : [[name, region] as const];
  });
  const regions = new Map([...credentials, ...configured]);
  const inForce = env["AWS_PROFILE"] || "default";
  const profile = regions.has(inForce) ? `profile ${inForce}` : null;
  return {
    region: env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || (regions.get(inForce) ?? null),
    source: env["AWS_ACCESS_KEY_ID"] && !env["AWS_PROFILE"] ? "AWS_ACCESS_KEY_ID" : profile,
    profiles: [...regions.keys()].toSorted(),
  };
}

/** Title and region of each section; a file that cannot be read has none. */
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
