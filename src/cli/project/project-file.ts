import { lstat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { endpointFault, kmsKeyFault, prefixFault } from "../../blob/location.ts";
import { isObject } from "../../canonical-json.ts";
import { InputError } from "../../errors.ts";
import type { BucketTerms } from "../../s3/wire/options.ts";
import { presentTerms } from "../../stores/location.ts";
import { itemNameFault } from "../../vault/format/item.ts";
import { readJsonTree } from "../config/json-tree.ts";
import { repoFault, segmentFault } from "../config/paths.ts";
import { readSmall } from "./git.ts";

/**
 * The file that a team commits. It proposes which vault belongs to a folder. It contains nothing that runs, and no
 * credential.
 */
const PROJECT_FILE = ".vsync.json";
const MAX_BYTES = 64 * 1024;

/** Where a vault lives, as far as a project file says. */
export interface ProposedPlace extends BucketTerms {
  readonly endpoint?: string | undefined;
  readonly bucket?: string | undefined;
  readonly region?: string | undefined;
  /**
   * At the top of the file: the folder in the bucket that contains a folder for each env. Under an env: that env's
   * folder.
   */
  readonly prefix?: string | undefined;
}

interface ProjectEnv extends ProposedPlace {
  readonly vault?: string | undefined;
  /** Asks for the env's name before something is lost. A file can turn this on, but not off. */
  readonly protected?: true | undefined;
  /** The names that the project needs to start. */
  readonly required?: readonly string[] | undefined;
}

export interface ProjectFile extends ProposedPlace {
  /** For editors, which find project.schema.json through it. vsync does not read it. */
  readonly $schema?: string | undefined;
  readonly repo: string;
  readonly envs?: Readonly<Record<string, ProjectEnv>> | undefined;
  readonly defaultEnv?: string | undefined;
}

/** A project file and its path. */
export interface FoundFile {
  readonly path: string;
  readonly content: ProjectFile;
}

const checked = (fault: (text: string) => string | null) =>
  v.pipe(
    v.string("must be a string"),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? fault(dataset.value) : null;
      if (message !== null) addIssue({ message });
    }),
  );

/** valibot would accept an array as an object without fields. */
const object = v.custom<Readonly<Record<string, unknown>>>(isObject, "must be an object");

const place = {
  endpoint: v.exactOptional(checked(httpFault)),
  bucket: v.exactOptional(checked(bucketFault)),
  region: v.exactOptional(checked((text) => (/^[a-z0-9-]{1,32}$/.test(text) ? null : "must be a region's name"))),
  prefix: v.exactOptional(checked((text) => (/[\p{Cc}\s]/u.test(text) ? "must not have spaces" : prefixFault(text)))),
  kmsKey: v.exactOptional(checked(kmsKeyFault)),
  bucketKey: v.exactOptional(v.literal(true, "can only be true")),
  requesterPays: v.exactOptional(v.literal(true, "can only be true")),
};
const projectEnv = v.pipe(
  object,
  v.strictObject({
    vault: v.exactOptional(checked((text) => (/^[A-Za-z0-9_-]{22}$/.test(text) ? null : "must be a vault's id"))),
    protected: v.exactOptional(v.literal(true, "can only be true")),
    required: v.exactOptional(v.array(checked((name) => itemNameFault(name, "secret")))),
    ...place,
  }),
);
const projectFile = v.strictObject({
  $schema: v.exactOptional(v.string("must be a string")),
  repo: checked(repoFault),
  ...place,
  envs: v.exactOptional(v.pipe(object, v.record(checked(segmentFault), projectEnv))),
  defaultEnv: v.exactOptional(checked(segmentFault)),
});

/** Allows plain http only to this machine: a file must not decide that the network may read along. */
function httpFault(endpoint: string): string | null {
  const fault = endpointFault(endpoint);
  if (fault !== null) return fault;
  const { protocol, hostname, username, password } = new URL(endpoint);
  const isLoopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback)) return "must start with https://";
  if (username !== "" || password !== "") return "must not carry a user or password";
  return /[?#\s\p{Cc}]/u.test(endpoint) ? "must not have a query, a fragment or spaces" : null;
}

/** Amazon S3 User Guide, "General purpose bucket naming rules". */
function bucketFault(bucket: string): string | null {
  const isGood = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.includes("..");
  if (!isGood) return "must be 3 to 63 lower-case letters, digits, dots and dashes";
  const isReserved =
    /^(?:\d+\.){3}\d+$|^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/.test(bucket);
  return isReserved ? "is a name that S3 reserves" : null;
}

/** @throws InputError it is not a project file */
export async function readProjectFile(path: string): Promise<FoundFile> {
  const isLink = (await lstat(path).catch(() => null))?.isSymbolicLink() ?? false;
  const text = isLink ? undefined : (await readSmall(path, MAX_BYTES))?.replace(/^\ufeff/, "");
  if (text === undefined) throw unusable(path, `is not a regular file of at most ${MAX_BYTES / 1024} KiB`);
  if (/^<{7} /m.test(text)) throw unusable(path, "contains git conflict markers");
  if (text.trim() === "") throw unusable(path, "is empty");
  const read = readJsonTree(text);
  if ("fault" in read) throw unusable(path, `is not JSON: line ${read.fault.line}, column ${read.fault.column}`);
  if (read.repeated !== null) throw unusable(path, "names a field twice");
  const parsed = v.safeParse(projectFile, JSON.parse(text), { abortEarly: true });
  if (parsed.success) return { path, content: parsed.output };
  const [issue] = parsed.issues;
  throw unusable(path, `cannot be used: ${v.getDotPath(issue) ?? "it"} ${wordsOf(issue)}`);
}

/** Why vsync would refuse to read it, as the end of a message; null if it is valid. */
export function projectFileFault(content: ProjectFile): string | null {
  const parsed = v.safeParse(projectFile, content, { abortEarly: true });
  return parsed.success ? null : `${v.getDotPath(parsed.issues[0])} ${wordsOf(parsed.issues[0])}`;
}

function wordsOf(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === "never") return "is not a field that this vsync knows";
  return issue.received === "undefined" ? "is missing" : issue.message;
}

function unusable(path: string, fault: string): InputError {
  return new InputError(`${path} ${fault}`, { hint: "correct it, or name another repository with --repo=<name>" });
}

/** The place that the file proposes for the vault of an env. */
export function proposedPlace({ content }: FoundFile, env: string): ProposedPlace {
  const own = content.envs?.[env] ?? {};
  const prefix = own.prefix ?? (content.prefix === undefined ? undefined : `${content.prefix}${env}/`);
  return {
    endpoint: own.endpoint ?? content.endpoint,
    bucket: own.bucket ?? content.bucket,
    region: own.region ?? content.region,
    prefix,
    ...presentTerms(own.bucket === undefined && !hasTerms(own) ? content : own),
  };
}

/** A bucket's terms belong where the bucket is named. */
function hasTerms(proposed: ProposedPlace): boolean {
  return Object.keys(presentTerms(proposed)).length > 0;
}

/** The envs that the file names, in its order. */
export function proposedEnvs(file: FoundFile | null): readonly string[] {
  return Object.keys(file?.content.envs ?? {});
}

export const projectFileIn = (folder: string): string => join(folder, PROJECT_FILE);

/** The folder of the project file. */
export const folderOf = ({ path }: FoundFile): string => dirname(path);
