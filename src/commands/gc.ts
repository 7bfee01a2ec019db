import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CONSENT_FLAGS, ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { commitGc, renderGc } from "../cli/generations/gc.ts";
import { durationFlag } from "../cli/inputs/time-flags.ts";
import { warnOfOldPlaces } from "../cli/session/old-places.ts";
import { openSession } from "../cli/session/session.ts";
import { requireAnswerable } from "../cli/terminal/consent.ts";
import { DAY_MS } from "../durations.ts";
import { proposeGc } from "../vault/generations/gc.ts";

const DEFAULT_OLDER_THAN_MS = 30 * DAY_MS;

export class Gc extends BaseCommand {
  static override summary = "Remove the bundles of old generations";
  static override description =
    `Removes the bundles of all but the newest --keep generations, and leftovers of interrupted commits, once they are
older than --older-than. The current bundle always stays; opening the vault needs no other, even during a grace window.
The audit rows stay too, and a new one lists what was removed. You cannot restore a removed generation.

After a rotation, the old bundles still open with the old passphrase: --keep=1 --older-than=0s removes them. A versioned
bucket keeps old versions of them, and of the manifest, until a lifecycle rule (NoncurrentVersionExpiration) expires them;
backups keep them as long as you keep the backups.

If the settings have usage_retention_days, gc also removes usage from before those days, but not the totals of closed months.`;
  static override examples = [
    "<%= config.bin %> gc prod --dry-run",
    "<%= config.bin %> gc prod --keep=10 --older-than=30d --yes",
    "<%= config.bin %> gc prod --keep=1 --older-than=0s",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    keep: Flags.integer({
      description: "number of newest generations that keep their bundles",
      helpValue: "<number>",
      min: 1,
      default: 10,
    }),
    "older-than": durationFlag(
      "older-than",
      { from: "0s", to: "3650d" },
      { description: "remove only bundles older than this (default: 30d)" },
    ),
    "dry-run": Flags.boolean({ description: "show what would be removed and remove nothing" }),
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Gc>): Promise<void> {
    requireAnswerable(flags, this.prompter);
    using session = await openSession({ flags, args }, this.sources);
    const { keep, "older-than": olderThanMs = DEFAULT_OLDER_THAN_MS } = flags;
    using proposal = await proposeGc(session.ports, { ...session.request, keep, olderThanMs });
    const committed = await commitGc(proposal, session.config, flags, this.sources);
    renderGc(proposal.plan, committed, session.config, flags, this.output);
    if (committed !== null) await warnOfOldPlaces(session.config, this.output);
    await session.remember(committed?.manifest);
  }
}
