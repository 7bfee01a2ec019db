/*
 * An app that meters jobs: `meter-process.ts <id>…` says `kept` once each would outlast a kill, and lives on until its stdin
 * ends; then, or with `flush` as the last word, it writes them and ends.
 */
const built = new URL("../../dist/library/backend.js", import.meta.url).href;
const { initFromEnv } = (await import(built)) as typeof import("../../src/backend/index.ts");
const words = process.argv.slice(2);
const backend = initFromEnv();
for (const id of words.filter((word) => word !== "flush")) await backend.meter("jobs", 1, { id });
process.stdout.write("kept\n");
if (words.at(-1) === "flush") await backend.shutdown();
else process.stdin.on("end", () => void backend.shutdown()).resume();
