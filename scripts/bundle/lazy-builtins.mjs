const MODULE = '"(node:(?:child_process|crypto|stream/consumers|timers/promises|tty|util|zlib))"';
const NAMED = new RegExp(`^import \\{ ([^}]+?),? \\} from ${MODULE};$`, "gm");
const WHOLE = new RegExp(`^import \\* as (\\w+) from ${MODULE};$`, "gm");
/** Bun's own functions with the same result, for which it loads nothing. */
const OWN = {
  crc32: "Bun.hash.crc32",
  gzipSync: '(bytes, options) => Bun.gzipSync(bytes, { ...options, library: "zlib" })',
};
/** Used as a whole: a class, or a function with properties. */
const ITSELF = /^(?:[A-Z]|inspect\b)/;

/**
 * For Bun's bundler, which has no hook for its own output. Turns `import { spawn } from "node:child_process"` into a
 * function `spawn` that loads the module when it is called, as rolldown's `lazyBuiltins` does for bin/run.js. These
 * modules, most of which load node:stream, take a sixth of the start-up time.
 */
export function withLazyBuiltins(text) {
  // This package checks a property of the function that it gets.
  if (text.includes("promisify")) return text;
  return text
    .replace(NAMED, (whole, list, module) => {
      const names = list.split(",").map((name) => name.trim().split(" as "));
      return names.some(([name]) => ITSELF.test(name))
        ? whole
        : names.map((name) => forwarder(module, ...name)).join(" ");
    })
    .replace(WHOLE, (_, own, module) => `const ${own} = new Proxy({}, { get: (_, name) => ${loaded(module)}[name] });`);
}

const forwarder = (module, name, own = name) =>
  `const ${own} = ${OWN[name] ?? `(...args) => ${loaded(module)}.${name}(...args)`};`;

const loaded = (module) => `process.getBuiltinModule("${module}")`;
