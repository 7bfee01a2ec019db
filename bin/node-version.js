"use strict";

// Runs before the program. An older Node.js would fail somewhere in the middle of it, with an unhelpful message.
const OLDEST = "22.22.2";

const { node } = process.versions;
if (Number.parseInt(node, 10) < Number.parseInt(OLDEST, 10)) {
  process.stderr.write(`vsync: error: vsync needs Node.js ${OLDEST} or newer, and this is ${node}\n`);
  process.stderr.write("vsync: hint: install a newer Node.js, or the binary, which needs none (docs/install.md)\n");
  process.exit(1);
}

const os = require("node:os");

// One of oclif's packages asks for the home folder when it loads. In a container, neither HOME nor passwd may have one.
try {
  os.homedir();
} catch {
  os.homedir = () => "/";
}
