// Packs the npm package as users get it: node scripts/pack.mjs [--out=<folder>] [--repository=<url>]
// Prints the tarball's path on stdout. Run `npm run build` first.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { EXTERNAL } from "./bundle/external.ts";
import { productionTree } from "./supply-chain/dependencies.ts";

const root = join(import.meta.dirname, "..");

// Only for development. Each optional dependency is a whole Node.js, for hosts with an older one.
const NOT_PUBLISHED = ["devDependencies", "optionalDependencies", "private", "scripts"];
// npm adds these itself.
const ALWAYS = ["LICENSE", "README.md"];

/**
 * package.json without parts that only development needs and without bundled packages. npm's provenance requires the
 * repository.
 */
function publishedManifest(manifest, repository) {
  const kept = Object.entries(manifest).filter(([name]) => !NOT_PUBLISHED.includes(name));
  const dependencies = Object.fromEntries(EXTERNAL.map((name) => [name, manifest.dependencies[name]]));
  const added = repository === undefined ? {} : { repository: { type: "git", url: repository } };
  return { ...Object.fromEntries(kept), dependencies, ...added };
}

/** Lays the package out in an empty folder: nothing else from the repository can slip in. */
function stage(folder, manifest) {
  const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  write("package.json", manifest);
  write("npm-shrinkwrap.json", shrinkwrap(manifest));
  for (const file of globSync([...manifest.files, ...ALWAYS], { cwd: root })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
}

/** Makes npm install exactly the versions that were reviewed and tested, by digest. pnpm and Yarn do not read it. */
function shrinkwrap({ name, version, license, dependencies, bin, engines }) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const shipped = [...productionTree(EXTERNAL).keys()].toSorted().map((folder) => [folder, packages[folder]]);
  return {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { "": { name, version, license, dependencies, bin, engines }, ...Object.fromEntries(shipped) },
  };
}

function pack(folder, out) {
  const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", `--pack-destination=${out}`];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
  return join(out, filename);
}

const { values } = parseArgs({ options: { out: { type: "string" }, repository: { type: "string" } } });
const manifest = publishedManifest(JSON.parse(readFileSync(join(root, "package.json"), "utf8")), values.repository);
if (!existsSync(join(root, "dist/library/index.js"))) {
  process.stderr.write("pack: dist/ is missing: npm run build\n");
  process.exit(1);
}
const out = resolve(values.out ?? join(root, ".cache", "package"));
mkdirSync(out, { recursive: true });
const aside = mkdtempSync(join(root, ".cache", "stage-"));
try {
  stage(aside, manifest);
  process.stdout.write(`${pack(aside, out)}\n`);
} finally {
  rmSync(aside, { recursive: true, force: true });
}
