import type { JsonObject } from "../../canonical-json.ts";
import { VaultMovedError } from "../../errors.ts";
import type { Manifest } from "./manifest.ts";

/** The name and place of a vault, in the `meta` of a move. */
export interface VaultPlace {
  readonly repo: string;
  readonly env: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly prefix: string;
}

export const MOVE_ACTION = "move";

export function moveMeta(direction: "moved_to" | "moved_from", place: VaultPlace): JsonObject {
  const { repo, env, endpoint, bucket, region, prefix } = place;
  return { event: "move", [direction]: { repo, env, endpoint, bucket, region, prefix } };
}

/** Where a vault has moved, if this generation is the last one at its old place; else null. */
export function movedTo({ action, meta }: Pick<Manifest, "action" | "meta">): VaultPlace | null {
  const place = action === MOVE_ACTION ? meta["moved_to"] : undefined;
  if (typeof place !== "object" || place === null || Array.isArray(place)) return null;
  const said = new Map<string, unknown>(Object.entries(place));
  const text = (name: keyof VaultPlace): string => {
    const value = said.get(name);
    return typeof value === "string" ? value : "?";
  };
  const [repo, env, endpoint] = [text("repo"), text("env"), text("endpoint")];
  return { repo, env, endpoint, bucket: text("bucket"), region: text("region"), prefix: text("prefix") };
}

/** For people to read, such as `api/live at acme/api/live/`; vsync never follows it. */
export function shownVault({ repo, env, bucket, prefix }: VaultPlace): string {
  return `${repo}/${env} at ${bucket}/${prefix}`;
}

/** @throws VaultMovedError this generation only says where the vault has gone */
export function requireUnmoved(manifest: Manifest): void {
  const to = movedTo(manifest);
  if (to !== null) throw hasMoved(manifest, to);
}

export function hasMoved({ repo, env }: Manifest, to: VaultPlace): VaultMovedError {
  return new VaultMovedError(`${repo}/${env} has moved to ${shownVault(to)}`, {
    hint: `if you expected this: vsync init --env=${to.env} ${placeFlags(to)}; apps need a token from there`,
  });
}

/** The flags of `vsync init` that name a place. */
export function placeFlags(place: Omit<VaultPlace, "repo" | "env">): string {
  return (["endpoint", "bucket", "region", "prefix"] as const).map((part) => `--${part}=${place[part]}`).join(" ");
}
