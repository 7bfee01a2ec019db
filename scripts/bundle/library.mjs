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
 * A rolldown plugin. An `import` of a module of Node.js looks at all its exports, which loads what some of them need: for
 * `node:fs` the streams, for `node:util` the worker threads. Where only the bare import is left, it does nothing, and fails in
 * the browsers that load vsync/tokens.
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
 * Each ES module costs a start more than what it contains. What most entries and late parts share goes into two files, one of
 * which imports no module of Node.js.
 */
const minShareCount = 3;
const GROUPS = [
  {
    name: "pure",
    test: /[\\/](?:dist(?:-\d+)?[\\/](?:tokens[\\/].*|crypto[\\/]secret|canonical-json|errors|workers)|@noble[\\/]hashes[\\/].*)\.js$/,
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
 * Bundles the compiled library with the packages that it needs (decision 0116): one file for each entry, and for what
 * entries share, which gives an app one copy of each error class. What is loaded late stays in files of its own.
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
    // The SDK's ES modules: its CommonJS would need `require`, which an app's own bundler cannot give an ES module.
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
    // The annotations let an app's bundler leave out what it does not use.
    comments: { legal: true, annotation: true, jsdoc: false },
    codeSplitting: { groups: GROUPS, includeDependenciesRecursively: false },
  });
}
