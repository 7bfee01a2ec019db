#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import -- it has to be evaluated before the imports below are
import "./node-version.js";
import build from "../dist/build.json" with { type: "json" };
import { runProgram } from "../dist/cli/program/program.js";
import { COMMANDS } from "../dist/commands.js";
import manifest from "../oclif.manifest.json" with { type: "json" };
import pjson from "../package.json" with { type: "json" };

await runProgram(process.argv.slice(2), { pjson, ...build, manifest, commands: COMMANDS });
