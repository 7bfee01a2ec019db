import type { Command } from "@oclif/core/command";
import type { Manifest } from "@oclif/core/interfaces";
import { type HelpSection, visible, wordsOf } from "./page.ts";

/** In the order in which one meets them. A command that stands in none is shown last, under a title of its own. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "SET UP": ["init", "status", "doctor", "policy", "completion"],
  "DAY TO DAY": ["push", "pull", "list", "get", "set", "unset", "run", "import", "export"],
  "BOOT AN APP": ["runtime-token", "inspect"],
  "ROTATE THE PASSPHRASE": ["rotate-passphrase"],
  "LOOK BACK": ["history", "diff", "restore", "audit", "audit:verify", "audit:reconcile", "gc"],
};
const UNGROUPED = "MORE";

/** Every command that is not hidden, by group. */
export function commandGroups({ commands }: Manifest): readonly HelpSection[] {
  const all = visible(commands);
  const grouped = Object.entries(GROUPS).map(([title, ids]) => section(title, pick(all, ids)));
  const known = new Set(Object.values(GROUPS).flat());
  const rest = all.filter(({ id }) => !known.has(id));
  return [...grouped, section(UNGROUPED, rest)].filter(({ entries }) => entries.length > 0);
}

function pick(all: readonly Command.Cached[], ids: readonly string[]): readonly Command.Cached[] {
  return ids.flatMap((id) => all.filter((command) => command.id === id));
}

function section(title: string, commands: readonly Command.Cached[]): HelpSection {
  return { title, entries: commands.map((it) => ({ label: wordsOf(it), text: it.summary ?? "" })) };
}
