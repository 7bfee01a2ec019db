// Compiles src/ into a fresh dist/: a file deleted in src/ must not survive in dist/.
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileCalledFunctions } from "./bundle/called-functions.ts";
import { bundleLibrary } from "./bundle/library.mjs";
import { bundleProgram } from "./bundle/program.mjs";

const root = join(import.meta.dirname, "..");
// `npm run check` builds once and tells later scripts so.
if (process.env.VSYNC_BUILT === root) process.exit();
const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = join(dirname(typescript), "bin", "tsc");
// Builds in another folder and renames it, so a failed build leaves the last good one in place.
const next = join(".cache", `dist-${process.pid}`);
try {
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", next], { cwd: root, stdio: "inherit" });
} catch {
  rmSync(join(root, next), { recursive: true, force: true });
  process.exit(1);
}
await bundleProgram(join(root, next), join(root, next, "program"));
compileCalledFunctions(join(root, next, "program"));
await bundleLibrary(join(root, next), join(root, next, "library"));
writeFileSync(join(root, next, "build.json"), `${JSON.stringify({ commit: commitOf(root) })}\n`);
execFileSync(process.execPath, ["scripts/man.mjs", join(next, "man", "man1")], { cwd: root, stdio: "inherit" });
// Keeps files that other scripts wrote to dist/, until those scripts rewrite them.
for (const other of ["vsync", "vsync.exe", "release"]) {
  if (existsSync(join(root, "dist", other))) renameSync(join(root, "dist", other), join(root, next, other));
}
rmSync(join(root, "dist"), { recursive: true, force: true });
renameSync(join(root, next), join(root, "dist"));

/** The checked-out commit, with a mark if files differ from it; null if git does not know. */
function commitOf(folder) {
  const options = { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  try {
    // Ignores the commit of another repository that merely contains this folder.
    if (execFileSync("git", ["rev-parse", "--show-prefix"], options).trim() !== "") return null;
    return execFileSync("git", ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], options).trim();
  } catch {
    return null;
  }
}
