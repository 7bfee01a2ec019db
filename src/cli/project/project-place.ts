import { awsEndpoint } from "../../s3/wire/aws.ts";
import { presentTerms, type StoreLocation } from "../../stores/location.ts";
import type { LocalConfig } from "../config/config-document.ts";
import { checkLocation } from "../config/location.ts";
import { type FoundFile, proposedPlace } from "./project-file.ts";
import type { Which } from "./which-vault.ts";

/** The place of a vault according to the project file. */
export interface FilePlace {
  readonly path: string;
  readonly place: Omit<StoreLocation, "credentials">;
  /** The vault's id, if the file has it. */
  readonly vault: string | undefined;
}

/** Null if the project file is missing, is for another repo, or names no store. */
export function placeInFile({ repo, env, named: { project } }: Which): FilePlace | null {
  const { file } = project;
  if (file === null || file.content.repo !== repo) return null;
  const { envs } = file.content;
  if (envs !== undefined && envs[env] === undefined) return null;
  const place = wholePlace(file, { repo, env });
  return place === null ? null : { path: file.path, place, vault: envs?.[env]?.vault };
}

/** A file's proposal with its defaults filled in; null without a bucket. */
function wholePlace(
  file: FoundFile,
  { repo, env }: { readonly repo: string; readonly env: string },
): FilePlace["place"] | null {
  const proposed = proposedPlace(file, env);
  const { bucket, region = "us-east-1", prefix = `${repo}/${env}/`, endpoint } = proposed;
  if (bucket === undefined) return null;
  const { credentials: _, ...place } = checkLocation({
    endpoint: endpoint ?? awsEndpoint(region),
    bucket,
    region,
    prefix,
    credentials: "ambient",
    ...presentTerms(proposed),
  });
  return place;
}

export const PLACE_FIELDS = ["endpoint", "bucket", "region", "prefix"] as const;

export function isAt(current: LocalConfig | null, place: FilePlace["place"]): boolean {
  return current !== null && PLACE_FIELDS.every((field) => current[field] === place[field]);
}
