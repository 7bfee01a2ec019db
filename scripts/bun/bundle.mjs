// Run by bun: bundle.mjs <program to be> <bun target> <bun of that target>
import { plainFilesOfBun } from "../bundle/plain-files.mjs";
import { absentAddon } from "./absent-addon.mjs";
import { lazyRequires } from "./lazy-requires.mjs";

const [outfile, target, executablePath] = process.argv.slice(2);
await Bun.build({
  entrypoints: ["bin/binary.mjs"],
  target: "bun",
  minify: true,
  bytecode: true,
  // In one file, every start would check the digest of all commands' code.
  format: "esm",
  splitting: true,
  plugins: [absentAddon, lazyRequires, plainFilesOfBun],
  // Without this, the result would contain this machine's folders, and differ between machines.
  define: { __dirname: '"/"', __filename: '"/program"' },
  compile: {
    outfile,
    target,
    executablePath,
    // Without this, the program would read .env and run bunfig.toml of the current folder.
    autoloadDotenv: false,
    autoloadBunfig: false,
    // Compiling to machine code slows short commands down; long ones wait for Argon2id anyway.
    jitPolicy: 4,
  },
});
