import { GENERAL, helpPage, visible } from "../../src/cli/help/page.ts";
import { page, prose, shell } from "./markdown.mjs";

function list({ title, entries }) {
  return `**${title[0]}${title.slice(1).toLowerCase()}**\n\n${entries.map(entryLine).join("\n")}`;
}

function entryLine({ label, text, relations = [] }) {
  const remark = relations.length === 0 ? "" : ` (${relations.join("; ")})`;
  return `- \`${label}\` ${prose(text + remark)}`.trimEnd();
}

function commandBlocks({ name, summary, paragraphs, usage, sections, examples }) {
  return [
    `## ${name}`,
    ...[summary, ...paragraphs].map(prose),
    shell(usage),
    ...sections.filter(({ title }) => title !== GENERAL).map(list),
    ...(examples.length > 0 ? ["**Examples**", ...examples.map((line) => shell([line]))] : []),
  ];
}

/** The command reference: the help of each command, with the common flags listed once. */
export function cliReference(manifest, bin) {
  const pages = visible(manifest.commands).map((command) => helpPage(command, manifest, bin));
  const contents = pages.map(({ name, summary }) => `- [\`${name}\`](#${name.replaceAll(" ", "-")}) ${prose(summary)}`);
  const general = pages[0].sections.filter(({ title }) => title === GENERAL).flatMap(({ entries }) => entries);
  return page("Commands", "the commands in src/commands", [
    "Here you find every command with its arguments, flags and examples. At a terminal, `vsync <command> --help` shows them.",
    contents.join("\n"),
    "Every command also takes:",
    general.map(entryLine).join("\n"),
    ...pages.flatMap(commandBlocks),
  ]);
}
