import type { VaultStatus } from "./local-status.ts";

/** A store in one short word, for people: `s3://bucket/prefix/`, with the host where it is not AWS, or `~/vaults/prefix/`. */
export function shownStore({ endpoint, bucket, prefix }: VaultStatus, home: string): string {
  if (endpoint === null) return "?";
  if (!endpoint.startsWith("file://")) return `s3://${bucket}/${prefix}${hostRemark(endpoint)}`;
  const path = decoded(endpoint.slice("file://".length)).replace(/^\/(?=[A-Za-z]:\/)/, "");
  const folder = `${path}/${bucket}/${prefix}`;
  return home !== "" && folder.startsWith(`${home}/`) ? `~${folder.slice(home.length)}` : folder;
}

function hostRemark(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "";
  const { host } = new URL(endpoint);
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host) ? "" : ` at ${host}`;
}

/** An endpoint is checked where it is used: here it is shown as far as it goes. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
