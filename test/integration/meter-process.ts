/*
 * An app that meters jobs: `meter-process.ts <id>…` says `kept` once each would outlast a kill, and lives on until its stdin
 * ends; then, or with `flush` as the last word, it writes them and ends. Its clock stands still at NOW_MS: an id counts once a
 * day, and a test may run at midnight.
 */
const built = new URL("../../dist/library/backend.js", import.meta.url).href;
const { initFromEnv } = (await import(built)) as typeof import("../../src/backend/index.ts");
const words = process.argv.slice(2);
const nowMs = Number(process.env["NOW_MS"]);
const backend = initFromEnv({ clock: { nowMs: () => nowMs } });
for (const id of words.filter((word) => word !== "flush")) await backend.meter("jobs_of_the_app", 1, { id });
process.stdout.write("kept\n");
if (words.at(-1) === "flush") await backend.shutdown();
else process.stdin.on("end", () => void backend.shutdown()).resume();
