import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

// Evaluated before the program is: an older Node.js fails somewhere in the middle of it, and says nothing that helps.
const OLDEST = "22.22.2";

const { node } = process.versions;
if (Number.parseInt(node, 10) < Number.parseInt(OLDEST, 10)) {
  process.stderr.write(`vsync: error: vsync needs Node.js ${OLDEST} or newer, and this is ${node}\n`);
  process.stderr.write("vsync: hint: install a newer Node.js, or the binary, which needs none (docs/install.md)\n");
  process.exit(1);
}

// A package of oclif's asks for the home folder as it loads. A container's user may have none, neither in HOME nor in passwd.
try {
  os.homedir();
} catch {
  os.homedir = () => "/";
  syncBuiltinESMExports();
}
