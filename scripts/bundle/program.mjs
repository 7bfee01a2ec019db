import { join } from "node:path";
import { rolldown } from "rolldown";
import { EXTERNAL } from "./external.ts";
import { lazyBuiltins, lazyRequires } from "./lazy-requires.mjs";
import { licences } from "./licences.mjs";

/**
 * Modules that so many commands share go into one file. Reading a file costs a start more than code in it that it does not
 * run.
 */
const SHARED_BY = 20;

/**
 * Bundles the compiled program with the packages that it needs into a few files: program.cjs, commands.cjs, and one
 * for each command and what it shares with others. CommonJS, because Node.js loads that in half the time. The code stays readable.
 *
 * @param compiled the folder of TypeScript's output
 * @param folder where the bundles go
 */
export async function bundleProgram(compiled, folder) {
  const bundle = await rolldown({
    input: { program: join(compiled, "cli/program/program.js"), commands: join(compiled, "commands.js") },
    platform: "node",
    // A module of bun's.
    external: [...EXTERNAL, "bun:ffi"],
    plugins: [lazyRequires, lazyBuiltins, licences],
    treeshake: { moduleSideEffects: (id) => (id.includes("node_modules") ? undefined : true) },
    // Its comments would name the build's own folder.
    experimental: { attachDebugInfo: "none" },
    checks: { ineffectiveDynamicImport: false },
  });
  await bundle.write({
    dir: folder,
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: { groups: [{ name: "shared", minShareCount: SHARED_BY }] },
  });
}
