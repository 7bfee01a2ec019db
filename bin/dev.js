#!/usr/bin/env node
// As run.js, from the sources: nothing to build, and help says what the commands say now.
import pjson from "../package.json" with { type: "json" };
import { runProgram } from "../src/cli/program/program.ts";
import { COMMANDS } from "../src/commands.ts";

await runProgram(process.argv.slice(2), { pjson, commands: COMMANDS });
