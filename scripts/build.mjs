// Compiles src/ into dist/, afresh: a file that was deleted in src/ must not live on in dist/.
import { execFileSync } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = join(dirname(typescript), "bin", "tsc");
// Built aside and renamed, so that a build that fails leaves the last good one in place.
const next = join(".cache", `dist-${process.pid}`);
try {
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", next], { cwd: root, stdio: "inherit" });
} catch {
  rmSync(join(root, next), { recursive: true, force: true });
  process.exit(1);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
renameSync(join(root, next), join(root, "dist"));
