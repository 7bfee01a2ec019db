// Makes a release in dist/release:
//   node scripts/release.mjs [--targets=linux-x64,…] [--repository=<url> --maintainer="Name <address>"]
// The same commit and arguments give the same bytes: dates come from SOURCE_DATE_EPOCH, or else from the commit.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "./bun/compile.ts";
import { fetchTarget, ownTarget, programName, TARGETS } from "./bun/targets.ts";
import { sha256Sums } from "./release/checksums.ts";
import { buildDeb, DEB_ARCHITECTURES } from "./release/deb.ts";
import { maintainerOf } from "./release/maintainer.ts";
import { billOfMaterials } from "./release/sbom.mjs";
import { startedHere } from "./release/started.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist/release");
const { values } = parseArgs({
  options: { targets: { type: "string" }, repository: { type: "string" }, maintainer: { type: "string" } },
});
const wanted = values.targets?.split(",") ?? Object.keys(TARGETS);
const { version, author } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const maintainer = maintainerOf(values, author);
const epoch = process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct");
process.env.SOURCE_DATE_EPOCH = epoch;

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const listed = [];
for (const name of wanted) listed.push(await release(name));
const repository = values.repository === undefined ? [] : [`--repository=${values.repository}`];
execFileSync(process.execPath, [join(root, "scripts/pack.mjs"), `--out=${out}`, ...repository], { stdio: "inherit" });
writeFileSync(join(out, `vsync-${version}.cdx.json`), billOfMaterials(root, epoch));
for (const file of ["install.sh", "Containerfile"]) cpSync(join(import.meta.dirname, "release", file), join(out, file));
writeFileSync(join(out, "SHA256SUMS"), sha256Sums(out, readdirSync(out)));
// Describes this machine, not the release, so the sums leave it out.
writeFileSync(join(out, "targets.json"), `${JSON.stringify(listed, null, 2)}\n`);
for (const { target, started } of listed) process.stdout.write(`${target}: ${started}\n`);

/** A target's program and, for Debian's architectures, its package. */
async function release(name) {
  const compiler = await fetchTarget(ownTarget());
  const target = await fetchTarget(name);
  const program = join(out, programName(name).replace("vsync", `vsync-${version}-${name}`));
  compile({ bun: compiler.bun, target, program });
  const architecture = DEB_ARCHITECTURES[name];
  if (architecture !== undefined) buildDeb({ root, program, architecture, version, maintainer, epoch, out });
  return { target: name, started: startedHere(program, name) };
}

function git(...args) {
  return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
}
