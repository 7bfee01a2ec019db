#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import -- an older Node.js may fail in the imports below it
import "./node-version.js";
import { createRequire } from "node:module";
import { keepCompiled } from "./compile-cache.js";

keepCompiled();
const require = createRequire(import.meta.url);
const { runProgram } = require("../dist/program/program.cjs");
const { COMMANDS } = require("../dist/program/commands.cjs");
const loadManifest = async () => require("../oclif.manifest.json");
const parts = { pjson: require("../package.json"), ...require("../dist/build.json"), loadManifest, commands: COMMANDS };

await runProgram(process.argv.slice(2), parts);
