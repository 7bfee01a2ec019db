// Like run.js, without top-level await, which Bun could not compile to bytecode.
import build from "../dist/build.json" with { type: "json" };
import { runProgram } from "../dist/cli/program/program.js";
import { COMMANDS } from "../dist/commands.js";
import pjson from "../package.json" with { type: "json" };

const loadManifest = async () => (await import("../oclif.manifest.json", { with: { type: "json" } })).default;

void runProgram(process.argv.slice(2), { pjson, ...build, loadManifest, commands: COMMANDS });
