import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CONSENT_FLAGS, ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { replaceSettings, showSettings } from "../cli/gateway/settings.ts";
import { META_FLAG } from "../cli/inputs/meta-flag.ts";

export class Settings extends BaseCommand {
  static override summary = "Show or set the vault's backends, routes, meters and limits of tokens";
  static override description =
    `The settings are one JSON file: backends, routes and meters for vsync/backend and vsync/gateway, and the limits of
tunnels. If the file has faults, vsync names each with its place, as in settings.routes[1].backend, and writes nothing. It
asks before it changes or removes a setting. Gateways and origins follow within a minute, without a new token.
settings.schema.json in the package is a JSON Schema for editors, which find it by "$schema".

Without --from, prints the settings as they are.`;
  static override examples = [
    "<%= config.bin %> settings prod --from=vsync.settings.json --dry-run",
    "<%= config.bin %> settings prod --from=vsync.settings.json",
    "<%= config.bin %> settings prod --show >vsync.settings.json",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    from: Flags.string({ description: "JSON file that replaces the settings, - for stdin", helpValue: "<file>" }),
    show: Flags.boolean({ description: "print the settings, as without --from", exclusive: ["from"] }),
    "dry-run": Flags.boolean({ description: "show what would change and write nothing", dependsOn: ["from"] }),
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Settings>): Promise<void> {
    if (flags.from === undefined) await showSettings({ flags, args }, this.sources);
    else await replaceSettings({ flags, args }, flags.from, this.sources);
  }
}
