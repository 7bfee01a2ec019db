// Writes the generated files that the repository contains. With --check it writes nothing, names each file that is out of
// date, and exits with 1.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cliReference } from "./generate/cli-reference.mjs";
import { exitCodePage } from "./generate/exit-codes.mjs";
import { loadManifest } from "./generate/manifest.mjs";
import { performance } from "./generate/performance.mjs";
import { projectSchema } from "./generate/project-schema.mjs";
import { readme } from "./generate/readme.mjs";
import { reliability } from "./generate/reliability.mjs";
import { settingsSchema } from "./generate/settings-schema.mjs";
import { terminalPicture } from "./generate/terminal-picture.mjs";

const root = join(import.meta.dirname, "..");

function fail(message) {
  console.error(message);
  process.exit(1);
}

async function generate() {
  const pjson = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const manifest = await loadManifest(pjson);
  const results = JSON.parse(readFileSync(join(root, "lab/bench/results.json"), "utf8"));
  return new Map([
    ["oclif.manifest.json", `${JSON.stringify(manifest, null, 2)}\n`],
    ["docs/cli.md", cliReference(manifest, pjson.oclif.bin)],
    ["docs/exit-codes.md", await exitCodePage()],
    ...performance(results),
    ["README.md", readme(readFileSync(join(root, "README.md"), "utf8"), results)],
    ["docs/reliability.md", reliability(root)],
    ["settings.schema.json", settingsSchema()],
    ["project.schema.json", projectSchema()],
    ["docs/rotate-passphrase.svg", rotationPicture()],
  ]);
}

/** test/docs/picture.test.ts records the session. */
function rotationPicture() {
  const recording = readFileSync(join(root, "scripts/generate/rotate-passphrase.ansi"), "utf8");
  return terminalPicture("A rotation of the passphrase at a terminal", recording);
}

function isDrifted([path, text]) {
  return !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== text;
}

const [mode, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (mode !== undefined && mode !== "--check")) fail("usage: node scripts/generate.mjs [--check]");
const files = await generate().catch((error) => fail(`generate: ${error.message}`));
const drifted = [...files].filter(isDrifted);
if (mode !== "--check") {
  for (const [path, text] of drifted) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
} else if (drifted.length > 0) {
  for (const [path] of drifted) console.error(`${path} is out of date`);
  fail("run: npm run generate");
}
