// Our own lint rules, as a plugin for oxlint. `test/house` tests each of them.
import { commandTry } from "./commands.mjs";
import { layers } from "./layers.mjs";
import { names } from "./names.mjs";
import { ambientTime } from "./time.mjs";

export default {
  meta: { name: "house" },
  rules: { layers, names, "ambient-time": ambientTime, "command-try": commandTry },
};
