import { readFileSync } from "node:fs";

/*
 * Plugins of the bundlers that make modules require each other on first use instead of on load. The code that runs is the
 * same; only the order of loading differs.
 */

/** The modules of oclif. */
export const OCLIF = /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/;
const REQUIRE = /^const (\w+) = ((?:__importDefault\()?require\("[^"]+"\)\)?);$/gm;

/**
 * In oclif's modules: its parser's error classes load help, spinners and colours that vsync never uses, which took 8 of
 * the 25 ms of a start.
 */
export const lazyRequires = {
  name: "lazy-requires",
  load: {
    filter: { id: OCLIF },
    handler: (id) => ({ code: withLazyRequires(readFileSync(id, "utf8")) }),
  },
};

/** `const a = require("a"); a.b()` as `let a$; const a$$ = () => (a$ ??= require("a")); (a$$()).b()` */
export function withLazyRequires(text) {
  const names = [...text.matchAll(REQUIRE)].map(([, name]) => name);
  const lazy = text.replace(REQUIRE, "let $1$; const $1$$$$ = () => ($1$ ??= $2);");
  return names.reduce((all, name) => all.replace(new RegExp(`\\b${name}\\b(?!\\$)`, "g"), `(${name}$$$$())`), lazy);
}

/** `let node_zlib = require("node:zlib");`, and a line that adds a default export if some import needs one. */
const BUILTIN = /^let (node_\w+) = require\("(node:[^"]+)"\);\n(?:\1 = (\S+__toESM)\(\1((?:, 1)?)\);\n)?/gm;

/** `const require_shared = require("./shared-….cjs");`, except the helpers that every file needs at once. */
const CHUNK = /^const (require_[\w$]+) = require\("(\.\/(?!rolldown-runtime)[^"]+)"\);$/gm;

/** In rolldown's own output, between files: a command loads the files that it uses, not all that it names. */
export const lazyChunks = {
  name: "lazy-chunks",
  renderChunk(code) {
    const names = [...code.matchAll(CHUNK)].map(([, name]) => name);
    const lazy = code.replace(CHUNK, 'let $1$; const $1$$$$ = () => ($1$ ??= require("$2"));');
    return { code: names.reduce(calledFor, lazy), map: null };
  },
};

/** In rolldown's own output, modules of Node.js: `node:crypto` and `node:child_process` take 10 ms. */
export const lazyBuiltins = {
  name: "lazy-builtins",
  renderChunk(code) {
    const names = [...code.matchAll(BUILTIN)].map(([, name]) => name);
    const lazy = code.replace(BUILTIN, (_, name, module, toModule, mode) => {
      const required = `require("${module}")`;
      const made = toModule === undefined ? required : `${toModule}(${required}${mode})`;
      return `let ${name}$; const ${name}$$ = () => (${name}$ ??= ${made});\n`;
    });
    return { code: names.reduce(calledFor, lazy), map: null };
  },
};

/** Replaces each `name`, also in `...name.list`, with a call of `name$$`, except as a member `.name`. */
const calledFor = (code, name) => {
  const itself = name.replaceAll("$", "\\$");
  return code.replace(new RegExp(`(?<![\\w$]|(?<!\\.\\.)\\.)${itself}(?![\\w$])`, "g"), () => `(${name}$$())`);
};
