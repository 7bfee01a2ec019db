#!/usr/bin/env node
"use strict";
// CommonJS (bin/package.json), because Node.js loads it faster than an ES module.

// oxlint-disable-next-line import/no-unassigned-import -- an older Node.js may fail in what is loaded below
require("./node-version.js");
require("./compile-cache.js").keepCompiled();
const { runProgram } = require("../dist/program/program.cjs");
const { COMMANDS } = require("../dist/program/commands.cjs");

const loadManifest = async () => require("../oclif.manifest.json");
const parts = { pjson: require("../package.json"), ...require("../dist/build.json"), loadManifest, commands: COMMANDS };

void runProgram(process.argv.slice(2), parts);
