import { appendFileSync } from "node:fs";
import { fileText, STAND_INS } from "./stand-ins.ts";

/** Stands in for the tool named by its first argument: see stand-ins.ts. Exits with 64 on an unknown shape. */
const [tool = "", ...args] = process.argv.slice(2);
const line = args.join(" ");
const shape = STAND_INS[tool]?.find((it) => it.args.test(line));
if (shape === undefined) {
  process.stderr.write(`${tool}: no known shape: ${line}\n`);
  process.exit(64);
}
const groups = shape.args.exec(line)?.groups ?? {};
const stdin = (): string => fileText("/dev/stdin");
const call = { args, stdin, group: (name: string): string => groups[name] ?? "" };
const kept = shape.keeps?.(call) ?? {};
appendFileSync(process.env["STAND_IN_RECORD"] ?? "", `${JSON.stringify({ tool, args, kept })}\n`);
process.stdout.write(shape.prints?.(call) ?? "");
