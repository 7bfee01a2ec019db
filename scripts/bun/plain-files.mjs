import { readFileSync } from "node:fs";

const OURS = /^(?!.*[\\/]node_modules[\\/]).*[\\/]dist[\\/].*\.js$/;

/**
 * A plugin of bun's bundler: in the program, `node:fs/promises` asks the disk at once. Each answer over bun's threads lets its
 * event loop turn, and with the first turn a garbage collection begins: together a quarter of a start. The npm package and
 * the library, whose callers have other things to do, wait as usual.
 *
 * Only for calls that no named pipe holds up, for nothing could interrupt them: vsync opens plain files with O_NONBLOCK.
 */
export const plainFiles = {
  name: "plain-files",
  setup(build) {
    // bun resolves what it has built in before any plugin.
    build.onLoad({ filter: OURS }, ({ path }) => {
      return { contents: readFileSync(path, "utf8").replace(/"node:fs\/promises"/, '"plain-files"'), loader: "js" };
    });
    build.onResolve({ filter: /^plain-files$/ }, ({ path }) => ({ path, namespace: "plain-files" }));
    build.onLoad({ filter: /./, namespace: "plain-files" }, () => ({ contents: CONTENTS, loader: "js" }));
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

const CONTENTS = `
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
