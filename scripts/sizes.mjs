// Writes the sizes of docs/install.md, from the release in dist/release (`npm run release`) and an installation by npm.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measureSizes } from "../lab/bench/groups/sizes.ts";
import { INSTALLED } from "../lab/bench/labels.ts";
import { fetchTarget, ownTarget, programName, TARGETS } from "./bun/targets.ts";

const root = join(import.meta.dirname, "..");
const path = join(root, "docs/install.md");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const megabytes = (bytes) => String(Math.round(bytes / 1e6));
const released = (file) => statSync(join(root, "dist/release", file)).size;
const programFor = (target) => released(programName(target).replace("vsync", `vsync-${version}-${target}`));

let page = readFileSync(path, "utf8");

/** Replaces the number between two pieces of text. */
function write(before, number, after) {
  const at = page.indexOf(before) + before.length;
  const [old = ""] = /^\d+/.exec(page.slice(at)) ?? [];
  const rest = page.slice(at + old.length);
  if (!page.includes(before) || old === "" || !rest.startsWith(after))
    throw new Error(`docs/install.md has no number between "${before}" and "${after}"`);
  page = page.slice(0, at) + number + rest;
}

const { packages, bytes } = (await measureSizes()).find(({ what }) => what === INSTALLED);
write("an installation is ", String(packages), " packages");
write(`an installation is ${packages} packages and `, megabytes(bytes), " MB");
const own = ownTarget();
write("About ", megabytes(programFor(own) - statSync((await fetchTarget(own)).bun).size), " MB of each binary");
write("is a download of ", megabytes(released(`vsync_${version}_amd64.deb`)), " MB");
for (const target of Object.keys(TARGETS)) {
  const name = programName(target).replace("vsync", target);
  write(`| \`${name}\` | `, megabytes(programFor(target)), " | ");
}
writeFileSync(path, page);
