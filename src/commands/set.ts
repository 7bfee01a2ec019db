import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { settleDoubts } from "../cli/items/dotenv/doubts.ts";
import { KEY_ARGS, splitWords } from "../cli/items/item-words.ts";
import { commitChanges, renderOutcome } from "../cli/items/proposed-changes.ts";
import { readSetItems, wantedKeys } from "../cli/items/set-input.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";
import { proposeSetOrFirstPush } from "../vault/items/set.ts";

export class SetItem extends BaseCommand {
  static override summary = "Add or change secrets and files";
  static override description =
    `Asks for the value at a hidden prompt, or reads it with --from-file from a file or stdin, without its last line break unless
you give --raw. The value is never on the command line, where other users could see it. The rest of the vault stays.`;
  static override usage = "set ENV KEY [flags]";
  static override surplus = {
    message: "the value would be on the command line, where other users can see it, and in the shell's history",
    hint: "leave it out, and vsync asks for it; or give it with --from-file=<file> (- is stdin)",
  };
  static override examples = [
    "<%= config.bin %> set prod DATABASE_URL",
    "openssl rand -hex 32 | <%= config.bin %> set prod SESSION_KEY --from-file=-",
    "<%= config.bin %> set prod SESSION_KEY --generate=64",
    "<%= config.bin %> set prod --file certs/ca.pem=./ca.pem",
  ];
  static override bareValues = { generate: "32" };
  static override args = KEY_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    "from-file": Flags.string({ description: "file with the value (- for stdin)", helpValue: "<file>" }),
    generate: Flags.integer({
      description: "make a random value of this many letters and digits (default: 32), and never print it",
      helpValue: "[<length>]",
      min: 16,
      max: 4096,
      exclusive: ["from-file", "file", "raw", "allow-empty"],
    }),
    raw: Flags.boolean({ description: "keep the last line break of --from-file", dependsOn: ["from-file"] }),
    "allow-empty": Flags.boolean({ description: "accept an empty value" }),
    file: Flags.string({
      description: "binary file to store, - for stdin",
      helpValue: "<name>=<path>",
      multiple: true,
    }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof SetItem>): Promise<void> {
    const { input, names } = await splitWords(
      { flags, args },
      { takesOne: true, usage: flags.file === undefined ? SetItem.usage : null },
    );
    const keys = wantedKeys(names, flags, SetItem.usage);
    using session = await openSession(input, this.sources, DAILY_WRITE);
    const { config } = session;
    const items = await readSetItems(keys, flags, this.sources);
    const request = { ...session.request, identity: session.identity, items };
    using proposal = await proposeSetOrFirstPush(session.ports, request);
    settleDoubts({ items: flags.raw ? [] : items, doubts: [] }, proposal.plan.changes, {}, this.output);
    const committed = await commitChanges(proposal, () => null, {}, this.sources);
    const words = {
      nothing: `Nothing to set: ${config.env} already holds exactly this`,
      done: `Updated ${config.env}`,
    };
    renderOutcome({ config, plan: proposal.plan, committed }, words, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
