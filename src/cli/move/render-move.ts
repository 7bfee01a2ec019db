import { isSameBucket } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { placeFlags } from "../../vault/format/moved.ts";
import { vaultArgs, vaultFlags } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import type { FinishedMove } from "./finish-move.ts";
import { type Moved, shownPlace } from "./move.ts";

interface RenderFlags {
  readonly json?: boolean | undefined;
}

export function renderFinishedMove({ config, removed }: FinishedMove, { json }: RenderFlags, output: Output): void {
  const { repo, env } = config;
  if (json) output.json({ env, removed });
  output.done(`Finished the move of ${repo}/${env}: the old place no longer opens (${removed.length} bundles removed)`);
}

export function renderMoved(
  { plan, before, after, gen, isCopy, written }: Moved,
  { json }: RenderFlags,
  output: Output,
): void {
  const { repo, env, endpoint, bucket, region, prefix } = after;
  const to = shownPlace(after, before);
  if (json) output.json({ env, gen, endpoint, bucket, region, prefix, from: before.env, tokens: plan.live });
  output.done(`Moved ${repo}/${before.env} to ${repo}/${env} at ${to} (gen=${gen})`);
  if (written !== null) output.done(`Wrote ${written}: commit it for your colleagues, it holds no credential`);
  if (isCopy) {
    output.warn(`the original at ${before.bucket}/${before.prefix} still works on its own: from now on the two differ`);
    return;
  }
  output.say(
    `apps still start from the old place, which gets no more changes. For each: vsync runtime-token ${vaultArgs(after)}`,
  );
  if (plan.live.length > 0)
    output.say(
      `scoped tokens need a new string, too (${plan.live.join(", ")}): vsync runtime-token ${vaultArgs(after)} --with-token=<file>`,
    );
  const hasKey = after.credentials !== "ambient" || after.app !== undefined;
  if (hasKey && isSameBucket(before, after) && before.prefix !== prefix)
    output.say(
      `a key that may only use ${before.prefix} needs ${after.prefix}, too: vsync policy ${vaultFlags(after)} --role=reader`,
    );
  if (before.app !== undefined && after.app === undefined)
    output.warn(`the apps' key stays with the old bucket: vsync init ${vaultFlags(after)} --app-access-key=<id>`);
  // A colleague's config still has the old place under the same name.
  const isFiled = written !== null && !isDirectoryStore(after);
  const flags = env !== before.env ? "" : isFiled ? " --retarget" : ` ${placeFlags(after)}`;
  output.say(`colleagues: vsync init ${vaultFlags(after)}${flags}`);
  output.say(`once nothing starts from the old place: vsync move ${vaultArgs(after)} --finish`);
}
