import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS, SETTLED_FLAG } from "../cli/command/flags.ts";
import { guardFromGit } from "../cli/items/pull/git-ignored.ts";
import { mergeFiles, renderMerge } from "../cli/items/pull/merge.ts";
import { findOutdated, printDotenv, pullFiles, refuseDash, renderPull } from "../cli/items/pull/pull.ts";
import { THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { openThrough } from "../cli/session/open-anywhere.ts";
import { openSession } from "../cli/session/session.ts";
import { openVault } from "../vault/open/open.ts";

/** A pull does not ask for the passphrase of an older generation; `--merge` does. */
const noOlderPassphrase = async () => null;

const SETTLED = { ...SETTLED_FLAG, dependsOn: ["merge"] };

export class Pull extends BaseCommand {
  static override summary = "Write the vault's secrets and files to disk";
  static override description =
    `Decrypts and checks everything before the first write. Files get mode 0600, and each is written whole or not at all.
If you changed a local file since its last pull, and it differs from the vault, pull writes nothing and ends with 5,
unless you give --force. An existing dotenv file keeps its comments, its order and the names that you added. A value that
dotenv cannot quote gets its own file, .env.prod.NAME. pull names the values that sh, node, dotenv, dotenv-expand,
python-dotenv or Compose would read differently, and warns if git does not ignore a file. The dotenv file may be a link
to another place in the project; pull follows no other links. It writes no file into a folder that other users own or
can change. Without an env, pulls the vault of VSYNC_CONFIG.

The first line of the dotenv file says which generation it holds; \`vsync push\` compares it with the vault. With a token
that reads only a part of the vault, pull leaves the line out, and a push asks before it removes the rest. With --merge,
pull keeps both what you changed since and what others changed. If you and they changed, added or removed the same name
differently, that is a conflict: pull writes nothing and ends with 5, until --theirs or --ours names it. If nobody can
open that generation any more, every name that differs is a conflict.`;
  static override examples = [
    "<%= config.bin %> pull prod",
    "<%= config.bin %> pull prod --to=.env --files-dir=secrets --force",
    "<%= config.bin %> pull prod --merge --theirs=DATABASE_URL",
    "<%= config.bin %> pull prod --stdout | grep ^DATABASE_",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    to: Flags.string({ description: "dotenv file (default: `.env.<env>`)", helpValue: "<file>" }),
    "files-dir": Flags.string({ description: "folder for the vault's files", helpValue: "<folder>", default: "." }),
    force: Flags.boolean({ char: "f", description: "overwrite local files that differ" }),
    merge: Flags.boolean({ description: "keep your changes and take the others'", exclusive: ["force", "stdout"] }),
    theirs: Flags.string({ description: "with --merge: names to take from the vault", ...SETTLED }),
    ours: Flags.string({ description: "with --merge: names to keep as in your files", ...SETTLED }),
    ...THEN_PASSPHRASE_FLAG,
    stdout: Flags.boolean({
      description: "print the dotenv file instead of writing anything",
      exclusive: ["to", "force", "json"],
    }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Pull>): Promise<void> {
    refuseDash(flags);
    if (flags.merge) return this.#merge({ flags, args });
    const vault = await openThrough({ flags, args }, this.sources, async (ports, request) => {
      const opened = await openVault(ports, request);
      const looks = !flags.stdout && !flags.force;
      const reach = { ports, request, olderHolder: noOlderPassphrase };
      return { ...opened, outdated: looks ? await findOutdated(opened, flags, reach) : [] };
    });
    if (flags.stdout) return printDotenv(vault, this.output);
    const files = await pullFiles(vault, flags, this.output.warn);
    renderPull(files, vault, flags, this.output);
    await guardFromGit(files, this.sources);
  }

  async #merge({ flags, args }: Pick<Invocation<typeof Pull>, "flags" | "args">): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "values" });
    const merged = await mergeFiles(session, flags, this.sources);
    renderMerge(merged, flags, this.output);
    await guardFromGit(merged.files, this.sources);
    await session.remember(merged.vault.manifest);
  }
}
