import { join } from "node:path";
import { rolldown } from "rolldown";
import { ascii } from "./ascii.mjs";
import { EXTERNAL } from "./external.ts";
import { lazyBuiltins, lazyChunks, lazyRequires } from "./lazy-requires.mjs";
import { licences } from "./licences.mjs";
import { plainFiles } from "./plain-files.mjs";

/**
 * Reading a file costs more at start-up than unused code in it, so modules shared by this many commands go together.
 */
const minShareCount = 20;
/** Opening a vault and explaining commands get files of their own, because many starts need neither. */
const GROUPS = [
  {
    name: "vault",
    test: /[\\/](vault|tokens|hpke|@noble[\\/]\w+)[\\/](?!format[\\/]limits)/,
    minShareCount,
    priority: 3,
  },
  { name: "help", test: /[\\/]node_modules[\\/](?!@oclif[\\/]core|valibot)/, minShareCount, priority: 2 },
  { name: "shared", minShareCount, priority: 1 },
];

/**
 * Bundles the compiled program with the packages that it needs into a few files: program.cjs, commands.cjs, and one for
 * each command and what it shares with others. CommonJS, because Node.js loads it in half the time. The code stays
 * readable.
 *
 * @param compiled the folder of TypeScript's output
 * @param folder where the bundles go
 */
export async function bundleProgram(compiled, folder) {
  const bundle = await rolldown({
    input: { program: join(compiled, "cli/program/program.js"), commands: join(compiled, "commands.js") },
    platform: "node",
    // A module of Bun's.
    external: [...EXTERNAL, "bun:ffi"],
    plugins: [lazyRequires, plainFiles, lazyBuiltins, lazyChunks, ascii, licences],
    preserveEntrySignatures: "allow-extension",
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
    codeSplitting: { groups: GROUPS, includeDependenciesRecursively: false },
  });
}
