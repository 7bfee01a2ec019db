import { join } from "node:path";
import { rolldown } from "rolldown";
import { ascii } from "./ascii.mjs";
import { EXTERNAL } from "./external.ts";
import { licences } from "./licences.mjs";

/** The entries in package.json's `exports`, by the name of their bundle. */
const ENTRIES = {
  index: "runtime/index.js",
  register: "runtime/register.js",
  "register-required": "runtime/register-required.js",
  backend: "backend/index.js",
  "backend-testing": "backend/testing.js",
  tokens: "tokens/index.js",
  gateway: "backend/gateway/index.js",
};

const NAMED = /^import \{ ([^}]+) \} from "(node:[^"]+)";$/gm;
const WHOLE = /^import \* as (\w+) from "(node:[^"]+)";$/gm;
const BARE = /^import "node:[^"]+";\n?/gm;

/**
 * A rolldown plugin. Importing a module of Node.js touches all its exports, which loads what some of them need: the
 * streams for `node:fs`, the worker threads for `node:util`. It also removes bare imports, which do nothing here and
 * fail in the browsers that load vsync/tokens.
 */
const builtinModules = {
  name: "builtin-modules",
  renderChunk(code) {
    const module = (name) => `process.getBuiltinModule("${name}")`;
    const named = (_, names, name) => `const { ${names.replaceAll(" as ", ": ")} } = ${module(name)};`;
    const whole = (_, all, name) => `const ${all} = ${module(name)};`;
    return { code: code.replace(NAMED, named).replace(WHOLE, whole).replace(BARE, ""), map: null };
  },
};

/**
 * Each ES module costs more at start-up than its content. So code that most entries and late parts share goes into two
 * files, one of which imports no module of Node.js.
 */
const minShareCount = 3;
const GROUPS = [
  {
    name: "pure",
    test: /[\\/](?:dist(?:-\d+)?[\\/](?:tokens[\\/].*|crypto[\\/]secret|canonical-json|errors|oddities|workers)|@noble[\\/]hashes[\\/].*)\.js$/,
    minShareCount,
    priority: 2,
  },
  {
    name: "shared",
    test: /(?:valibot|[\\/]dist(?:-\d+)?)[\\/](?!backend|usage)(?!.*node_modules)/,
    minShareCount,
    priority: 1,
  },
];

/**
 * Bundles the compiled library with the packages that it needs (decision 0116): one file per entry, and shared files,
 * so an app gets one copy of each error class. Modules that are loaded late keep their own files.
 *
 * @param compiled the folder of TypeScript's output
 * @param folder where the bundles go
 */
export async function bundleLibrary(compiled, folder) {
  const input = Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(compiled, file)]));
  const bundle = await rolldown({
    input,
    platform: "node",
    external: EXTERNAL,
    // Uses the SDK's ES modules: its CommonJS would need `require`, which an app's own bundler cannot provide in an ES
    // module.
    preserveEntrySignatures: "allow-extension",
    resolve: { mainFields: ["module", "main"] },
    plugins: [builtinModules, ascii, licences],
    treeshake: { moduleSideEffects: (id) => (id.includes("node_modules") ? undefined : true) },
    // Its comments would name the build's own folder.
    experimental: { attachDebugInfo: "none" },
    checks: { ineffectiveDynamicImport: false },
  });
  await bundle.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    // Keeps annotations, with which an app's bundler can drop unused code.
    comments: { legal: true, annotation: true, jsdoc: false },
    codeSplitting: { groups: GROUPS, includeDependenciesRecursively: false },
  });
}
