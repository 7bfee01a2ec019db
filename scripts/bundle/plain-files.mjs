import { readFileSync } from "node:fs";
import { withLazyBuiltins } from "./lazy-builtins.mjs";

/**
 * In the program, `node:fs/promises` works synchronously. In the binary, each asynchronous answer would let Bun's event
 * loop turn, and the first turn starts a garbage collection: together a quarter of the start-up time. Under Node.js,
 * the module would load readline first. The library, whose callers have other things to do, stays asynchronous.
 *
 * Only for calls that cannot block on a named pipe, because nothing could interrupt them: vsync opens plain files with
 * O_NONBLOCK.
 */

/** The program's own files. */
const OURS = /^(?!.*[\\/]node_modules[\\/]).*[\\/](?:dist|\.cache[\\/]dist-\d+)[\\/].*\.js$/;
const NAME = "plain-files";

/** A rolldown plugin. */
export const plainFiles = {
  name: NAME,
  resolveId(source, importer) {
    if (source === "node:fs/promises" && OURS.test(importer ?? "")) return `\0${NAME}`;
    return null;
  },
  load: (id) => (id === `\0${NAME}` ? PLAIN_FILES : null),
};

/**
 * A plugin of Bun's bundler, which resolves its built-in modules before any plugin, and lets only one plugin load a
 * file.
 */
export const plainFilesOfBun = {
  name: NAME,
  setup(build) {
    build.onLoad({ filter: OURS }, ({ path }) => {
      const text = withLazyBuiltins(readFileSync(path, "utf8"));
      return { contents: text.replace(/"node:fs\/promises"/, `"${NAME}"`), loader: "js" };
    });
    build.onResolve({ filter: /^plain-files$/ }, ({ path }) => ({ path, namespace: NAME }));
    build.onLoad({ filter: /./, namespace: NAME }, () => ({ contents: PLAIN_FILES, loader: "js" }));
  },
};

const AT_ONCE = ["access", "lstat", "readdir", "readlink", "realpath", "stat"];
const AS_USUAL = [
  "appendFile",
  "chmod",
  "chown",
  "link",
  "mkdir",
  "mkdtemp",
  "rename",
  "rm",
  "rmdir",
  "statfs",
  "unlink",
  "utimes",
  "writeFile",
];

/** The module that the program's files import instead of `node:fs/promises`. */
const PLAIN_FILES = `
import * as fs from "node:fs";
export const { constants } = fs;
${AT_ONCE.map((name) => `export const ${name} = async (...args) => fs.${name}Sync(...args);`).join("\n")}
${AS_USUAL.map((name) => `export const ${name} = (...args) => fs.promises.${name}(...args);`).join("\n")}
const isFile = (path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() !== false;
export const readFile = async (path, options) =>
  isFile(path) ? fs.readFileSync(path, options) : fs.promises.readFile(path, options);
class PlainFile {
  constructor(fd) { this.fd = fd; }
  async stat(...args) { return fs.fstatSync(this.fd, ...args); }
  async read(...args) { const [buffer] = args; return { bytesRead: fs.readSync(this.fd, ...args), buffer }; }
  async readFile(...args) { return fs.readFileSync(this.fd, ...args); }
  async chmod(...args) { fs.fchmodSync(this.fd, ...args); }
  async chown(...args) { fs.fchownSync(this.fd, ...args); }
  async sync() { fs.fsyncSync(this.fd); }
  async close() { fs.closeSync(this.fd); }
  [Symbol.asyncDispose]() { return this.close(); }
}
const { O_NONBLOCK, O_WRONLY, O_RDWR } = constants;
const isPlain = (flags) => typeof flags === "number" && (flags & O_NONBLOCK) !== 0 && (flags & (O_WRONLY | O_RDWR)) === 0;
export const open = async (path, flags, mode) =>
  isPlain(flags) ? new PlainFile(fs.openSync(path, flags)) : fs.promises.open(path, flags, mode);
`;
