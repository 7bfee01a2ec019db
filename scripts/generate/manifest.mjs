import { makeManifest } from "../../src/cli/program/oclif-manifest.ts";
import { COMMANDS } from "../../src/commands.ts";

/** The commands as oclif caches them: what `oclif.manifest.json` holds. */
export async function loadManifest(pjson) {
  const manifest = await makeManifest(pjson, COMMANDS);
  if (Object.keys(manifest.commands).length === 0) throw new Error("src/commands.ts names no command");
  return manifest;
}
