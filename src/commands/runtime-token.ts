import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CREDENTIAL_FLAGS, ENV_ARG, Flags, LOCATION_FLAGS, VAULT_FLAGS } from "../cli/command/flags.ts";
import { overriddenLocation } from "../cli/config/location.ts";
import { tokenCredentials, warnOfKey } from "../cli/inputs/credentials.ts";
import { configOf } from "../cli/session/config.ts";
import { emitToken, givenCredential, mintToken } from "../cli/tokens/minting/mint.ts";
import { absentManifest, proveToken, unprovenAnchor } from "../cli/tokens/minting/prove-token.ts";
import { RUNTIME_TOKEN_EXIT_CODES } from "../exit-codes.ts";

export class RuntimeToken extends BaseCommand {
  static override summary = "Make the string for apps that boot with the passphrase";
  static override description =
    `Prints the value of VSYNC_CONFIG, alone on stdout. First, one HEAD of the manifest proves that the token's own
credentials can read it; if they cannot, nothing is printed. Overrides apply to this token only.

The app also needs VSYNC_PASSPHRASE, or in its place VSYNC_TOKEN from tokens create --split. --with-token puts such a
credential into the string, with the place, bucket key and anchor that this machine knows. Once the vault has scoped
tokens, vsync also gets the manifest to check that its anchor is still the same.`;
  static override examples = [
    "<%= config.bin %> runtime-token --env=prod | wrangler secret put VSYNC_CONFIG",
    "<%= config.bin %> runtime-token --env=prod --access-key=AKIA… --secret-key-file=key",
    "<%= config.bin %> runtime-token --env=prod --no-validate",
    "<%= config.bin %> runtime-token --env=prod --with-token=api.credential",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...LOCATION_FLAGS,
    ...CREDENTIAL_FLAGS,
    "with-token": Flags.string({
      description: "file with a scoped token or its credential to put in, - for stdin; sends nothing",
      helpValue: "<file>",
    }),
    strict: Flags.boolean({ description: "refuse a key that may write, and temporary credentials" }),
    "no-validate": Flags.boolean({ description: "send nothing, for machines without a network" }),
    json: Flags.boolean({ description: "also print the token's content on stderr, with the secret key in the clear" }),
  };
  /** stdout must contain only the token. */
  static override hasJsonResult = false;
  static override exitCodes = RUNTIME_TOKEN_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof RuntimeToken>): Promise<void> {
    const config = await configOf({ flags, args }, this.sources, { use: "values", wantsEnv: true });
    const credentials = await tokenCredentials(flags, config, this.sources);
    const location = overriddenLocation({ ...config, credentials }, flags);
    const token = {
      ...mintToken(config, location),
      ...(await givenCredential(flags["with-token"], config, this.sources)),
    };
    const isOffline = flags["no-validate"] || flags["with-token"] !== undefined;
    const doubt = isOffline ? unprovenAnchor(config) : null;
    if (doubt !== null) this.output.say(doubt);
    if (!isOffline && !(await proveToken(location, config))) this.output.warn(absentManifest(location, config));
    warnOfKey(credentials, config, this.sources);
    emitToken(token, this.output, { asJson: flags.json });
  }
}
