import { readdirSync, readFileSync } from "node:fs";

/** A process, told from a later one with the same pid by its start time. */
interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly group: string;
  readonly start: string;
}

/**
 * What a program and its children have started, without the program itself. A process that has left the program's
 * group, as a daemon does, is meant to outlive it. Empty without /proc.
 */
export function familyOf(program: number): readonly Member[] {
  const all = members();
  const group = all.find(({ pid }) => pid === program)?.group;
  const family: Member[] = [];
  for (let parents = [program]; parents.length > 0; ) {
    const children = all.filter((it) => parents.includes(it.parent) && it.group === group);
    family.push(...children);
    parents = children.map(({ pid }) => pid);
  }
  return family;
}

/** Those that have not ended. */
export function stillAlive(family: readonly Member[]): readonly Member[] {
  return family.filter(({ pid, start }) => memberOf(pid)?.start === start);
}

function members(): readonly Member[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (memberOf(Number(name)) ?? []) : []));
  } catch {
    return [];
  }
}

/** proc_pid_stat(5): the name in parentheses may contain any characters. Null for one that has ended. */
function memberOf(pid: number): Member | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group = "", start = ""] = [fields[0], fields[1], fields[2], fields[19]];
    return "ZX".includes(state) ? null : { pid, parent: Number(parent), group, start };
  } catch {
    return null;
  }
}
