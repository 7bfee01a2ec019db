// The layers of src/: which folder may import which. The rule follows each import to its file, including `export from`,
// `import()` and `import("…").Type`. An entry that ends in .ts is one file; any other is a folder.
import { dirname, join, relative, resolve, sep } from "node:path";

/** The folders of src/vault, from the bottom up. A folder imports those before it; the verbs, on top, import them all. */
const VAULT = ["format", "unlock", "open", "audit", "commit", "items", "tokens", "usage", "generations"];

/** The folders of src/cli, from the bottom up. A folder imports those before it; all of them use the types of flags. */
const CLI = [
  "command/flags.ts",
  "terminal",
  "help",
  "config",
  "project",
  "inputs",
  "command",
  "session",
  "delivery",
  "items",
  "edit",
  "run",
  "export",
  "import",
  "policy",
  "status",
  "tokens",
  "usage",
  "gateway",
  "init",
  "move",
  "generations",
  "rotation",
  "doctor",
  "completion",
  "program",
];

/** What every layer may import. */
const GROUND = ["canonical-json.ts", "durations.ts", "errors.ts", "memory.ts", "oddities.ts", "workers.ts"];

const ALL_BUT_CLI = [
  "backend",
  "runtime",
  "stores",
  "s3",
  "directory",
  "vault",
  "usage",
  "tokens",
  "gateway",
  "blob",
  "disk",
  "crypto",
  "ports.ts",
  "exit-codes.ts",
  ...GROUND,
];
const BELOW_VAULT = ["usage", "tokens", "blob/token.ts", "crypto", "ports.ts", ...GROUND];

/** Each layer with the layers it may import, besides itself. A folder inside another one comes before it. */
const MAY_IMPORT = {
  "commands.ts": ["commands"],
  commands: ["cli", "vault", "exit-codes.ts", "durations.ts"],
  ...stacked("cli", CLI, ALL_BUT_CLI),
  "runtime/files": ["disk", ...GROUND],
  "runtime/usage": ["stores", "usage", "tokens", "disk", "crypto", "ports.ts", ...GROUND],
  "runtime/cache": [
    ...of("runtime", "contents", "deadline", "options"),
    "vault",
    "disk",
    "crypto",
    "ports.ts",
    ...GROUND,
  ],
  runtime: ["stores", "vault", "usage", "tokens", "disk", "blob", "crypto", "ports.ts", ...GROUND],
  stores: ["s3", "directory", "vault", "tokens", "blob", "crypto", "ports.ts", ...GROUND],
  s3: ["ports.ts", ...GROUND],
  directory: ["disk", "ports.ts", ...GROUND],
  ...stacked("vault", VAULT, BELOW_VAULT),
  vault: BELOW_VAULT,
  "backend/usage": [...of("backend", "verification-error", "verified", "views"), "usage", "tokens", ...GROUND],
  "backend/gateway/create.ts": ["backend", "runtime", "tokens", ...GROUND],
  "backend/init.ts": ["backend", "runtime", "usage", "tokens", ...GROUND],
  backend: ["usage", "tokens", "crypto", "ports.ts", ...GROUND],
  usage: ["tokens", "crypto", "ports.ts", ...GROUND],
  tokens: ["crypto", ...GROUND],
  disk: GROUND,
  blob: ["tokens", ...GROUND],
  crypto: GROUND,
  "ports.ts": [],
  "exit-codes.ts": ["errors.ts"],
  "canonical-json.ts": [],
  "durations.ts": [],
  "errors.ts": [],
  "memory.ts": [],
  "oddities.ts": [],
  "workers.ts": [],
};

/** The layers that touch the machine: files, the process, the clock. */
const MACHINE = ["cli", "disk", "directory", "stores", "runtime"];

/** The layers that may import each module. A trailing slash means a whole scope; all layers may import other modules. */
const MODULE_OWNERS = {
  "@aws-sdk/client-s3": ["s3"],
  "@aws-sdk/credential-provider-node": ["stores"],
  "@aws-sdk/xml-builder": ["s3"],
  "@smithy/signature-v4": ["s3"],
  "@oclif/": ["cli"],
  "@inquirer/": ["cli"],
  pino: ["cli"],
  argon2: ["crypto"],
  re2js: ["tokens"],
  "@noble/": ["tokens", "backend", "crypto"],
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

function stacked(layer, folders, beside) {
  const below = (folder) => `${layer}/${folder}`;
  return Object.fromEntries(
    folders.map((folder, at) => [below(folder), [...folders.slice(0, at).map(below), ...beside]]),
  );
}

function of(layer, ...files) {
  return files.map((file) => `${layer}/${file}.ts`);
}

/** Layers that import only from src/, not even from Node. */
const CLOSED = [
  "commands.ts",
  "commands",
  "canonical-json.ts",
  "durations.ts",
  "errors.ts",
  "exit-codes.ts",
  "oddities.ts",
  "ports.ts",
];

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
  const allowed = layer.endsWith(".ts") ? MAY_IMPORT[layer] : [layer, ...MAY_IMPORT[layer]];
  if (allowed.some((entry) => covers(entry, target))) return undefined;
  return `${layer} may import ${allowed.join(", ") || "nothing"}, not ${target}`;
}

/** The complaint about the import of `specifier` in `file` (paths below src/), or undefined. */
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
