import { InputError } from "../../errors.ts";
import { checkLocation, type LocationOverrides, withOverrides } from "../config/checked-location.ts";
import { findConfig, loadConfig, type Warn } from "../config/local-config.ts";
import { resolveTarget, type TargetInput } from "../config/target.ts";
import { isFileStore } from "../stores.ts";
import type { PolicyScope } from "./policy.ts";

export interface PolicyInput extends TargetInput {
  readonly flags: TargetInput["flags"] & LocationOverrides;
}

/**
 * The vault that a policy is for: the config's, with the flags' overrides. Before there is a config the flags suffice, for
 * `init` itself needs what the policy allows.
 *
 * @throws LocalConfigMissingError there is no config, and no bucket was given
 * @throws InputError the vault is in a directory
 */
export async function policyScope(input: PolicyInput, warn: Warn): Promise<PolicyScope> {
  const { flags } = input;
  const target = await resolveTarget(input);
  const config = flags.bucket === undefined ? await loadConfig(target, warn) : await findConfig(target, warn);
  const known = config ?? {
    endpoint: "https://s3.us-east-1.amazonaws.com",
    region: "us-east-1",
    bucket: flags.bucket ?? "",
    prefix: `${target.repo}/${target.env}/`,
    credentials: "ambient" as const,
  };
  const location = checkLocation(withOverrides(known, flags));
  if (isFileStore(location)) {
    throw new InputError("a vault in a directory has no policy: the folders' modes say who may read and write it", {
      hint: "name a bucket with --bucket and --endpoint",
    });
  }
  return location;
}
