import { InputError } from "../errors.ts";

/** Which directory a `file://` store is. */
export interface FileStoreLocation {
  /** `file:///…`, percent-encoded, without a trailing slash. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
}

/** Holds the temporary files and claims of a store. No key or prefix may have a segment of this name. */
export const WORK_FOLDER = ".vsync";

const SCHEME = "file://";

/**
 * The file that holds an object (format.md §1).
 *
 * @throws InputError the endpoint is no `file:///…`, or a part would lead out of the store's folder
 */
export function fileStorePath(endpoint: string, bucket: string, prefix: string, key: string): string {
  return fileStoreFolder({ endpoint, bucket, prefix }) + checkKey(key);
}

/** The folder of the bucket. It is never made as a by-product: where it is missing, a disk may not be mounted. */
export function fileStoreRoot(endpoint: string, bucket: string): string {
  if (!isSegment(bucket)) {
    throw new InputError(`${JSON.stringify(bucket)} cannot be the bucket of a directory store`, {
      hint: "name a folder below the endpoint, as in --bucket=vaults",
    });
  }
  return `${endpointFolder(endpoint)}/${bucket}`;
}

/** The folder that the keys are relative to, with a trailing slash. */
export function fileStoreFolder({ endpoint, bucket, prefix }: FileStoreLocation): string {
  if (!prefix.endsWith("/") || !prefix.slice(0, -1).split("/").every(isSegment)) {
    throw new InputError(`${JSON.stringify(prefix)} cannot be the prefix of a directory store`, {
      hint: `name folders, each with a / after it, as in --prefix=api/prod/; none is ., .. or ${WORK_FOLDER}`,
    });
  }
  return `${fileStoreRoot(endpoint, bucket)}/${prefix}`;
}

/** The endpoint of an absolute path: the inverse of what `fileStorePath` does with it. */
export function fileEndpoint(folder: string): string {
  const segments = folder.replace(/\/+$/, "").split("/");
  if (segments[0] !== "" || segments.length < 2) {
    throw new InputError(`${folder} is no absolute path below /`, {
      hint: "set XDG_DATA_HOME to an absolute path, or name the store with --endpoint=file:///…",
    });
  }
  return SCHEME + segments.map(encodeURIComponent).join("/");
}

export function checkKey(key: string): string {
  if (!key.split("/").every(isSegment)) {
    throw new InputError(`${JSON.stringify(key)} cannot be a key of a directory store`, {
      hint: "look at who can write the manifest: vsync names no object so",
    });
  }
  return key;
}

function endpointFolder(endpoint: string): string {
  const segments = endpoint.slice(`${SCHEME}/`.length).split("/").map(decodeSegment);
  if (!endpoint.startsWith(`${SCHEME}/`) || /[?#]/.test(endpoint) || !segments.every(isPathSegment)) {
    throw new InputError(`${JSON.stringify(endpoint)} is no endpoint of a directory store`, {
      hint: "write it as file:///absolute/path, without a slash at the end",
    });
  }
  return `/${segments.join("/")}`;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

function isSegment(segment: string): boolean {
  return isPathSegment(segment) && segment.toLowerCase() !== WORK_FOLDER;
}

function isPathSegment(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && !segment.includes("/") && !segment.includes("\0");
}
