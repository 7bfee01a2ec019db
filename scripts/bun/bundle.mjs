// Run by bun: bundle.mjs <program to be> <bun target> <bun of that target>
import { absentAddon } from "./absent-addon.mjs";
import { lazyRequires } from "./lazy-requires.mjs";

const [outfile, target, executablePath] = process.argv.slice(2);
await Bun.build({
  entrypoints: ["bin/binary.js"],
  target: "bun",
  minify: true,
  bytecode: true,
  plugins: [absentAddon, lazyRequires],
  // Else it would be this machine's folders that are inside, and the bytes would be others elsewhere.
  define: { __dirname: '"/"', __filename: '"/program"' },
  compile: {
    outfile,
    target,
    executablePath,
    // Else the program would take in the .env, and run the bunfig.toml, of the folder that it is started in.
    autoloadDotenv: false,
    autoloadBunfig: false,
    // Compiling to machine code takes from short commands what it gives to long ones, which here wait for Argon2id anyway.
    jitPolicy: 4,
  },
});
