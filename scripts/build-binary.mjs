// Compiles dist/ into one program that needs no Node.js, for this machine: dist/vsync.
import { join } from "node:path";
import { compile } from "./bun/compile.ts";
import { fetchTarget, ownTarget, programName } from "./bun/targets.ts";

const name = ownTarget();
const target = await fetchTarget(name);
compile({ bun: target.bun, target, program: join(import.meta.dirname, "../dist", programName(name)) });
