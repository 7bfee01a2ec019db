// Loads the library as it is installed, opens the vault of VSYNC_CONFIG if that is not empty, and says what it took at most.
import { readFileSync } from "node:fs";
import { Vsync } from "../../dist/runtime/index.js";

const startMs = performance.now();
if (process.env["VSYNC_CONFIG"]) await (await Vsync.open()).close();
const ms = performance.now() - startMs;
const status = readFileSync("/proc/self/status", "utf8");
const mebibytes = (field) => Number(/\d+/.exec(status.split(`${field}:`)[1])[0]) / 1024;
process.stdout.write(JSON.stringify({ ms, peakMiB: mebibytes("VmHWM") - mebibytes("RssFile") }));
