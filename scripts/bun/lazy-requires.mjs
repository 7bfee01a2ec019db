import { readFileSync } from "node:fs";

const REQUIRE = /^const (\w+) = ((?:__importDefault\()?require\("[^"]+"\)\)?);$/gm;

/**
 * A plugin of bun's bundler that makes oclif's modules require each other on first use instead of on load. Its parser's
 * error classes load help, spinners and colours that vsync never uses, which took 8 of a start's 25 ms. The code that
 * runs is oclif's own; only the order of loading differs.
 */
export const lazyRequires = {
  name: "lazy-requires",
  setup(build) {
    build.onLoad({ filter: /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, ({ path }) => {
      return { contents: withLazyRequires(readFileSync(path, "utf8")), loader: "js" };
    });
  },
};

/** `const a = require("a"); a.b()` as `let a$; const a$$ = () => (a$ ??= require("a")); (a$$()).b()` */
function withLazyRequires(text) {
  const names = [...text.matchAll(REQUIRE)].map(([, name]) => name);
  const lazy = text.replace(REQUIRE, "let $1$; const $1$$$$ = () => ($1$ ??= $2);");
  return names.reduce((all, name) => all.replace(new RegExp(`\\b${name}\\b(?!\\$)`, "g"), `(${name}$$$$())`), lazy);
}
