import { page, prose, shell } from "./markdown.mjs";

const visible = (record) => Object.values(record).filter((it) => !it.hidden);
const byName = (a, b) => (a.name < b.name ? -1 : 1);

/** Help texts are templates; they may name the program and their own command, and nothing else. */
function filledIn(text, bin, command) {
  const filled = text.replaceAll("<%= config.bin %>", bin).replaceAll("<%= command.id %>", nameOf(command));
  if (filled.includes("<%")) throw new Error(`${command.id}: unknown template in ${JSON.stringify(text)}`);
  return filled;
}

const nameOf = (command) => command.id.replaceAll(":", " ");

function argLabel(arg) {
  const name = arg.name.toUpperCase() + (arg.multiple ? "..." : "");
  return arg.required ? name : `[${name}]`;
}

function flagLabel(flag) {
  if (flag.type === "boolean") return flag.allowNo ? `--[no-]${flag.name}` : `--${flag.name}`;
  const value = flag.options?.join("|") ?? flag.helpValue ?? "<value>";
  return `--${flag.name}=${value}`;
}

function usage(command, bin) {
  if (command.usage) return [command.usage].flat().map((line) => `${bin} ${filledIn(line, bin, command)}`);
  const args = visible(command.args).map(argLabel);
  const flags = visible(command.flags);
  const required = flags.filter((flag) => flag.required).map(flagLabel);
  const optional = flags.length > required.length ? ["[flags]"] : [];
  return [[bin, nameOf(command), ...args, ...required, ...optional].join(" ")];
}

/** What a list entry says after the text: where a value comes from when the command line names none. */
function remarks(it) {
  const said = [
    it.required && "required",
    it.multiple && "may be given more than once",
    it.default !== undefined && `default: \`${it.default}\``,
    it.env && `else \`${it.env}\``,
    it.dependsOn && `with ${it.dependsOn.map((name) => `\`--${name}\``).join(", ")}`,
    it.exclusive && `not with ${it.exclusive.map((name) => `\`--${name}\``).join(", ")}`,
  ].filter(Boolean);
  return said.length > 0 ? ` (${said.join("; ")})` : "";
}

function entry(label, it, bin, command) {
  const text = filledIn(it.summary ?? it.description ?? "", bin, command);
  return `- \`${label}\`${text ? ` ${prose(text)}` : ""}${remarks(it)}`;
}

function listed(title, entries) {
  return entries.length > 0 ? [`**${title}**\n\n${entries.join("\n")}`] : [];
}

function examples(command, bin) {
  return [command.examples ?? []].flat().map((example) => {
    if (typeof example === "string") return shell([filledIn(example, bin, command)]);
    const line = shell([filledIn(example.command, bin, command)]);
    return example.description ? `${prose(filledIn(example.description, bin, command))}:\n\n${line}` : line;
  });
}

function section(command, bin) {
  const texts = [command.summary, command.description].filter(Boolean);
  const paragraphs = texts.flatMap((text) => filledIn(text, bin, command).split(/\n\s*\n/));
  const flags = visible(command.flags).toSorted(byName);
  const flagEntry = (flag) => {
    const short = flag.char ? `-${flag.char}, ` : "";
    return entry(short + flagLabel(flag), flag, bin, command);
  };
  const samples = examples(command, bin);
  return [
    `## ${bin} ${nameOf(command)}`,
    ...paragraphs.map(prose),
    shell(usage(command, bin)),
    ...listed(
      "Arguments",
      visible(command.args).map((arg) => entry(argLabel(arg), arg, bin, command)),
    ),
    ...listed("Flags", flags.map(flagEntry)),
    ...(samples.length > 0 ? ["**Examples**", ...samples] : []),
  ];
}

/** The command reference, from the manifest. */
export function cliReference(manifest, bin) {
  const commands = visible(manifest.commands);
  const contents = commands.map((command) => {
    const name = `${bin} ${nameOf(command)}`;
    const summary = command.summary ?? command.description?.split("\n")[0] ?? "";
    return `- [\`${name}\`](#${name.replaceAll(" ", "-")}) ${prose(filledIn(summary, bin, command))}`.trimEnd();
  });
  const blocks = [contents.join("\n"), ...commands.flatMap((command) => section(command, bin))];
  return page("Commands", "the commands in src/commands", blocks);
}
