import { InputError } from "../errors.ts";

/** Where a `file://` store keeps its objects. */
export interface DirectoryLocation {
  /** `file:///…`, percent-encoded, without a trailing slash. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
}

/** Contains the temporary files and claims of a store. A key or prefix may not have a segment of this name. */
export const WORK_FOLDER = ".vsync";

const SCHEME = "file://";

/**
 * The path of an object's file (format.md §1).
 *
 * @throws InputError the endpoint is not `file:///…`, or a part would lead out of the store's folder
 */
export function objectPath(location: DirectoryLocation, key: string): string {
  return prefixFolder(location) + checkKey(key);
}

/** The folder of the bucket. Only `init` makes it: if it is missing, a disk may not be mounted. */
export function rootOf(
  { endpoint, bucket }: Omit<DirectoryLocation, "prefix">,
  platform: string = process.platform,
): string {
  if (!isSegment(bucket)) {
    throw new InputError(`${JSON.stringify(bucket)} cannot be the bucket of a directory store`, {
      hint: "name a folder below the endpoint, as in --bucket=vaults",
    });
  }
  return `${endpointFolder(endpoint, platform)}/${bucket}`;
}

/** The folder that keys are relative to, with a trailing slash. */
export function prefixFolder(location: DirectoryLocation): string {
  const { prefix } = location;
  if (!prefix.endsWith("/") || !prefix.slice(0, -1).split("/").every(isSegment)) {
    throw new InputError(`${JSON.stringify(prefix)} cannot be the prefix of a directory store`, {
      hint: `name folders, each with a / after it, as in --prefix=api/prod/; none may be ., .. or ${WORK_FOLDER}`,
    });
  }
  return `${rootOf(location)}/${prefix}`;
}

/** The endpoint of an absolute path; the inverse of what `objectPath` does. */
export function fileEndpoint(folder: string, platform: string = process.platform): string {
  const top = topOf(platform);
  const path = platform === "win32" ? `/${folder.replaceAll("\\", "/")}` : folder;
  const segments = path.replace(/\/+$/, "").split("/");
  if (segments[0] !== "" || !top.isIn(segments.slice(1))) {
    throw new InputError(`${folder} is not an absolute path below ${top.name}`, {
      hint: "set XDG_DATA_HOME to an absolute path, or name the store with --endpoint=file:///…",
    });
  }
  return SCHEME + segments.map((it, index) => (index <= top.segments ? it : encodeURIComponent(it))).join("/");
}

/**
 * Returns the key if a store may have it.
 *
 * @throws InputError it would lead out of the store's folder, or into its work folder
 */
export function checkKey(key: string): string {
  if (!key.split("/").every(isSegment)) {
    throw new InputError(`${JSON.stringify(key)} cannot be a key of a directory store`, {
      hint: "check who can write to the manifest: vsync never names an object like that",
    });
  }
  return key;
}

function endpointFolder(endpoint: string, platform: string): string {
  const segments = endpoint.slice(`${SCHEME}/`.length).split("/").map(decodeSegment);
  const top = topOf(platform);
  const isFolder = top.isIn(segments) && segments.slice(top.segments).every((it) => isPathSegment(it, platform));
  if (!endpoint.startsWith(`${SCHEME}/`) || /[?#]/.test(endpoint) || !isFolder) {
    throw new InputError(`${JSON.stringify(endpoint)} is not an endpoint of a directory store`, {
      hint: `write it as ${top.example}, without a slash at the end`,
    });
  }
  return `${top.before}${segments.join("/")}`;
}

interface Top {
  readonly name: string;
  /** How many segments of a `file:///` address the top takes. */
  readonly segments: number;
  /** The start of a path, before its first segment. */
  readonly before: string;
  readonly example: string;
  isIn(segments: readonly string[]): boolean;
}

/** The top of absolute paths: `/`, or on Windows a drive, `file:///C:/…` (RFC 8089 appendix E.2). */
function topOf(platform: string): Top {
  if (platform !== "win32") {
    const isIn = (segments: readonly string[]): boolean => segments.length > 0;
    return { name: "/", segments: 0, before: "/", example: "file:///absolute/path", isIn };
  }
  const isIn = ([drive = "", ...below]: readonly string[]): boolean => /^[A-Za-z]:$/.test(drive) && below.length > 0;
  return { name: "a drive", segments: 1, before: "", example: "file:///C:/absolute/path", isIn };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

function isSegment(segment: string): boolean {
  return isPathSegment(segment, process.platform) && segment.toLowerCase() !== WORK_FOLDER;
}

function isPathSegment(segment: string, platform: string): boolean {
  if (segment === "" || segment === "." || segment === ".." || /[/\0]/.test(segment)) return false;
  // Drives, alternate streams, the other separator, and endings that Windows drops.
  return platform !== "win32" || !/[\\:<>"|?*]|[. ]$/.test(segment);
}
