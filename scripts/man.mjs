// Writes a man page for vsync and one for each command into a folder: node scripts/man.mjs <folder>
// They have the text of --help. Their date is SOURCE_DATE_EPOCH, or else the last commit.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodeEntries, helpPage, visible, withoutMarks } from "../src/cli/help/page.ts";
import { commandGroups } from "../src/cli/help/show.ts";
import { COMMANDS } from "../src/commands.ts";
import { DAY_TO_DAY_EXIT_CODES } from "../src/exit-codes.ts";
import { loadManifest } from "./generate/manifest.mjs";
import { commandPage, programPage } from "./man/pages.mjs";

const root = join(import.meta.dirname, "..");

function dateOf() {
  const { SOURCE_DATE_EPOCH } = process.env;
  if (SOURCE_DATE_EPOCH) return new Date(Number(SOURCE_DATE_EPOCH) * 1000).toISOString().slice(0, 10);
  try {
    const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    return execFileSync("git", ["log", "-1", "--format=%cs"], options).trim();
  } catch {
    return new Date().toISOString().slice(0, 10);
  }
}

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || rest.length > 0) {
  process.stderr.write("usage: node scripts/man.mjs <folder>\n");
  process.exit(1);
}
const pjson = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const manifest = await loadManifest(pjson);
const { bin } = pjson.oclif;
const issue = { bin, date: dateOf(), version: pjson.version };
const exitCodes = exitCodeEntries(DAY_TO_DAY_EXIT_CODES.meanings);
const pages = visible(manifest.commands).map((command) => withoutMarks(helpPage(command, manifest, bin)));
mkdirSync(folder, { recursive: true });
const write = (name, text) => writeFileSync(join(folder, `${name.replaceAll(" ", "-")}.1`), text);
write(
  bin,
  programPage({
    ...issue,
    description: pjson.description,
    groups: commandGroups({ manifest, commands: COMMANDS }),
    exitCodes,
  }),
);
const names = pages.map(({ name }) => name);
for (const page of pages) write(page.name, commandPage(page, { ...issue, names, exitCodes }));
