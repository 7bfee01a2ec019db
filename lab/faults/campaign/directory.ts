import type { DirectoryLocation } from "../../../src/directory/location.ts";
import { copyOf, folderOf, machineAt } from "./folder.ts";
import type { Aftermath } from "./judge.ts";
import type { Operation } from "./operations.ts";
import type { Trial } from "./trial.ts";
import { type Answer, type Task, Victim } from "./victim.ts";

/** The errors of failing file system calls, in turn. */
const CODES: readonly (readonly [string, string])[] = [
  ["ENOSPC", "disk full"],
  ["EROFS", "read-only"],
  ["EIO", "I/O error"],
  ["EACCES", "403"],
  ["EMFILE", "I/O error"],
];

/** Every n-th call: a command makes about fifty, and neighbouring starting points differ little. */
const ONCE_EACH = 2;
const LASTING_EACH = 4;

/**
 * Fails every second file system call of the operation once, and from every fourth one also all later calls. The first
 * call differs between operations. One process runs all of them, each in its own folder.
 */
export async function failingCalls(operation: Operation, folder: string): Promise<Trial[]> {
  await using victim = await Victim.start();
  const calls = await callsOf(victim, operation, folder);
  const trials: Trial[] = [];
  for (const lasting of [false, true]) {
    const each = lasting ? LASTING_EACH : ONCE_EACH;
    for (let at = 1 + (operation.name.length % each); at <= calls; at += each) {
      const [code, fault] = CODES[(at + (lasting ? 2 : 0)) % CODES.length] ?? ["EIO", "I/O error"];
      const location = await folderOf(operation.world, `${folder}/${code}-${at}-${lasting}`);
      const task: Task = { operation: operation.name, location, fault: { kind: "fail", at, code, lasting } };
      const answer = await victim.perform(task);
      if (answer === null || answer.calls < at) continue;
      const detail = `call ${at}, ${code}${lasting ? " from there on" : ""}`;
      trials.push({
        level: "directory",
        operation,
        fault,
        detail,
        run: async () => aftermathOf(operation, location, answer),
      });
    }
  }
  return trials;
}

/** Kills the process before every `each`-th file system call. */
export async function killedCalls(operation: Operation, folder: string, each: number): Promise<Trial[]> {
  const calls = await (async () => {
    await using victim = await Victim.start();
    return await callsOf(victim, operation, folder);
  })();
  const befores = Array.from({ length: Math.ceil(calls / each) }, (_, index) => 1 + index * each);
  return befores.map((before): Trial => {
    const run = async (): Promise<Aftermath> => {
      const location = await folderOf(operation.world, `${folder}/killed-${before}`);
      await using victim = await Victim.start();
      const answer = await victim.perform({ operation: operation.name, location, fault: { kind: "kill", before } });
      return aftermathOf(operation, location, answer);
    };
    return { level: "process", operation, fault: "killed", detail: `before call ${before}`, run };
  });
}

/** The operation's number of calls on its second run; the first run also inspects the machine. */
async function callsOf(victim: Victim, operation: Operation, folder: string): Promise<number> {
  let calls = 0;
  for (const name of ["first", "second"]) {
    const location = await folderOf(operation.world, `${folder}/${name}`);
    calls = (await victim.perform({ operation: operation.name, location }))?.calls ?? 0;
  }
  return calls;
}

export function aftermathOf(operation: Operation, location: DirectoryLocation, answer: Answer | null): Aftermath {
  return {
    met: true,
    ending: answer?.ending ?? { said: "nothing" },
    look: () => copyOf(location, operation.world),
    next: machineAt(location, operation.world),
  };
}
