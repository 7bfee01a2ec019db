import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, LOCATION_FLAGS, VAULT_FLAGS } from "../cli/command/flags.ts";
import { policyOf, policyScope, ROLES } from "../cli/policy/policy.ts";

export class Policy extends BaseCommand {
  static override summary = "Print the least IAM policy for a role";
  static override description =
    `A reader may get the manifest and the bundles, which is enough for the key in a runtime token. An operator may also
push, rotate, audit, restore, collect garbage, prove the bucket and read usage, but cannot delete the manifest or audit
rows. A meter may only write new objects with the usage of one token: give an app this role in addition to reader. In a
bucket policy, add a Principal to each statement.

If a customer-managed KMS key encrypts the bucket and init did not name it, name it with --kms-key: S3 uses it on the
caller's behalf.

Before init, name the bucket with --bucket, and give --region and --prefix if they are not the defaults.`;
  static override examples = [
    "<%= config.bin %> policy --env=prod --role=reader",
    "<%= config.bin %> policy --env=prod --role=operator --bucket=acme-secrets",
    "<%= config.bin %> policy --env=prod --role=meter --token=tok_0123456789abcdef0123456789abcdef",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    role: Flags.option({ options: ROLES, description: "role to grant", required: true })(),
    ...LOCATION_FLAGS,
    token: Flags.string({ description: "for the role meter: id of the token that reports usage", helpValue: "<id>" }),
    "kms-key": Flags.string({ description: "ARN of the KMS key that encrypts the bucket", helpValue: "<arn>" }),
    json: Flags.boolean({ description: "print JSON, as it does without this flag" }),
  };

  protected override async execute({ flags, args }: Invocation<typeof Policy>): Promise<void> {
    this.output.json(policyOf(flags.role, await policyScope({ flags, args }, this.output.warn)));
  }
}
