/** A separate process that runs operations over directory stores with failing file system calls. See `victim.ts`. */

import { once } from "node:events";
import { openDirectoryStore } from "../../../src/directory/directory-store.ts";
import { beforeEveryCall } from "../../../test/directory/file-system-calls.ts";
import { clockAt } from "../../../test/support/world.ts";
import { endingOf } from "./ending.ts";
import { operations } from "./operations.ts";
import type { Answer, Task } from "./victim.ts";

let calls = 0;
let task: Task | undefined;

function step(name: string): void {
  const fault = task?.fault;
  calls++;
  if (fault === undefined) return;
  if (fault.kind === "kill" && calls === fault.before) process.kill(process.pid, "SIGKILL");
  if (fault.kind !== "fail" || (fault.lasting ? calls < fault.at : calls !== fault.at)) return;
  throw Object.assign(new Error(`${fault.code}: injected, ${name}`), { code: fault.code, syscall: name });
}

async function perform(given: Task): Promise<Answer> {
  const operation = known.find(({ name }) => name === given.operation);
  if (operation === undefined) throw new TypeError(`no operation ${given.operation}`);
  const store = openDirectoryStore(given.location, { claimTimeoutMs: 1_000 });
  const machine = operation.world.with({ store, clock: clockAt(operation.world.clock.ms) });
  calls = 0;
  task = given;
  const ending = await endingOf(() => operation.act(machine));
  task = undefined;
  return { ending, calls };
}

const known = await operations();
await beforeEveryCall(step);
process.send?.("ready");
for (;;) {
  const [given] = (await once(process, "message")) as [Task];
  process.send?.(await perform(given));
}
