// Who may import whom in src/, by the file an import leads to: relative depth, `export from`, `import()` and
// `import("…").Type` make no difference. An entry that ends in .ts is one file, any other is a folder.
import { dirname, join, relative, resolve, sep } from "node:path";

/** The one file of the command line that may name a store's implementation. */
const COMPOSITION_ROOT = "cli/stores.ts";

const MAY_IMPORT = {
  "commands.ts": ["commands"],
  commands: ["cli", "vault"],
  [COMPOSITION_ROOT]: ["cli", "vault", "blob", "crypto", "errors.ts", "file", "s3"],
  cli: ["cli", "vault", "blob", "crypto", "errors.ts"],
  runtime: ["runtime", "vault", "blob", "crypto", "file", "s3", "errors.ts"],
  vault: ["vault", "blob", "crypto", "errors.ts"],
  s3: ["s3", "vault/ports.ts", "errors.ts"],
  file: ["file", "vault/ports.ts", "errors.ts"],
  blob: ["blob", "errors.ts"],
  crypto: ["crypto", "errors.ts"],
  "errors.ts": [],
};

/** The layers that touch the machine: files, the process, the clock. */
const MACHINE = ["cli", "file", "runtime"];

/** The only layers that may import a module. A trailing slash stands for a whole scope; modules not named are free. */
const MODULE_OWNERS = {
  "@aws-sdk/": ["s3"],
  "@smithy/": ["s3"],
  "@oclif/": ["cli"],
  "@inquirer/": ["cli"],
  pino: ["cli"],
  argon2: ["crypto"],
  hpke: ["crypto"],
  "node:child_process": MACHINE,
  "node:console": MACHINE,
  "node:fs": MACHINE,
  "node:module": MACHINE,
  "node:os": MACHINE,
  "node:perf_hooks": MACHINE,
  "node:process": MACHINE,
  "node:readline": MACHINE,
  "node:tty": MACHINE,
};

/** Layers that import nothing from outside src/, not even from Node. */
const CLOSED = ["commands.ts", "commands", "errors.ts"];

const covers = (entry, file) => file === entry || (!entry.endsWith(".ts") && file.startsWith(`${entry}/`));

const layerOf = (file) => Object.keys(MAY_IMPORT).find((entry) => covers(entry, file));

const named = (name, specifier) =>
  name.endsWith("/") ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`);

function moduleComplaint(layer, specifier) {
  if (CLOSED.includes(layer)) return `${layer} imports nothing from outside src/`;
  const name = Object.keys(MODULE_OWNERS).find((entry) => named(entry, specifier));
  if (name === undefined) return undefined;
  const owners = MODULE_OWNERS[name];
  if (owners.some((owner) => covers(owner, layer))) return undefined;
  return `${specifier} may be imported by ${owners.join(", ")}, not by ${layer}`;
}

function fileComplaint(layer, target) {
  if (target.startsWith("../")) return "src imports nothing from the rest of the repository";
  if (MAY_IMPORT[layer].some((entry) => covers(entry, target))) return undefined;
  return `${layer} may import ${MAY_IMPORT[layer].join(", ") || "nothing"}, not ${target}`;
}

/** What is wrong with the import of `specifier` in `file` (both as in src/), or undefined. */
function complaint(src, file, specifier) {
  const layer = layerOf(file);
  if (layer === undefined) return `src/${file} is in no layer: see scripts/lint/layers.mjs`;
  if (!specifier.startsWith(".")) return moduleComplaint(layer, specifier);
  const target = relative(src, resolve(src, dirname(file), specifier));
  return fileComplaint(layer, target.split(sep).join("/"));
}

export const layers = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const src = join(context.cwd, "src");
    const file = relative(src, context.filename).split(sep).join("/");
    if (file.startsWith("../")) return {};
    const check = (node) => {
      if (!node.source) return;
      const specifier = node.source.value;
      const message =
        typeof specifier === "string" ? complaint(src, file, specifier) : "import() takes a plain string in src/";
      if (message !== undefined) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};
