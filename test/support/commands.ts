import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadersOf } from "../../src/cli/program/command-table.ts";
import { makeManifest } from "../../src/cli/program/oclif-manifest.ts";
import { COMMANDS } from "../../src/commands.ts";

export const ROOT = join(import.meta.dirname, "../..");
export const PJSON = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
export const MANIFEST = await makeManifest(PJSON, COMMANDS);
export const LOADERS = loadersOf(COMMANDS);
/** The commands that the help lists. */
export const VISIBLE = Object.values(MANIFEST.commands).filter(({ hidden }) => !hidden);
