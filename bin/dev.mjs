#!/usr/bin/env node
// Like run.js, but from the sources: no build needed, and the help is up to date.
import pjson from "../package.json" with { type: "json" };
import { runProgram } from "../src/cli/program/program.ts";
import { COMMANDS } from "../src/commands.ts";

await runProgram(process.argv.slice(2), { pjson, commands: COMMANDS });
