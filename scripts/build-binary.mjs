// Compiles dist/ into one program that needs no Node.js, for this machine: dist/vsync.
import { join } from "node:path";
import { compile } from "./bun/compile.mjs";
import { bunPath, ownTarget, programName } from "./bun/targets.mjs";

const target = ownTarget();
const bun = await bunPath(target);
compile({ bun, base: bun, program: join(import.meta.dirname, "../dist", programName(target)) });
