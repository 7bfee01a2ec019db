import { encodeToken } from "../../../blob/token.ts";
import type { Secret } from "../../../crypto/secret.ts";
import type { StoreLocation } from "../../../stores/location.ts";
import type { Manifest } from "../../../vault/format/manifest.ts";
import type { TokenSummary } from "../../../vault/tokens/summary.ts";
import { CREDENTIAL_FLAGS, Flags } from "../../command/flags.ts";
import type { LocalConfig } from "../../config/local-config.ts";
import { type CredentialFlags, tokenCredentials, warnOfKey } from "../../inputs/credentials.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import type { Delivered } from "./hand-over.ts";
import { mintToken } from "./mint.ts";
import { absentManifest, proveLocation } from "./prove-token.ts";

/** How a new token is delivered, for `tokens create` and `tokens rotate`. */
export const DELIVERY_FLAGS = {
  split: Flags.boolean({
    description: "give only the credential, for VSYNC_TOKEN next to the VSYNC_CONFIG of runtime-token",
  }),
  out: Flags.string({
    description: "new file for it (mode 0600), written before the vault changes",
    helpValue: "<file>",
  }),
  format: Flags.option({ options: ["json"] as const, description: "like `--json`" })(),
  json: Flags.boolean({ description: "print it as JSON, with what it may do" }),
  ...CREDENTIAL_FLAGS,
  strict: Flags.boolean({ description: "refuse a bucket key that may write, and temporary credentials" }),
  "no-validate": Flags.boolean({ description: "do not check that the bucket key in it can read the manifest" }),
};

export interface DeliveryFlags extends CredentialFlags {
  readonly split?: boolean | undefined;
  readonly out?: string | undefined;
  readonly format?: "json" | undefined;
  readonly json?: boolean | undefined;
  readonly strict?: boolean | undefined;
  readonly "no-validate"?: boolean | undefined;
}

export function wantsJson({ json, format }: DeliveryFlags): boolean {
  return json === true || format === "json";
}

/** Makes the string to deliver: `vsync-cfg-v1:…`, or with `--split` only the credential. */
export class Blobs {
  readonly #config: LocalConfig;
  /** Null with `--split`. */
  readonly #location: StoreLocation | null;

  private constructor(config: LocalConfig, location: StoreLocation | null) {
    this.#config = config;
    this.#location = location;
  }

  /**
   * @throws InputError no key for the bucket is given
   */
  static async of(config: LocalConfig, flags: DeliveryFlags, sources: SecretSources): Promise<Blobs> {
    if (flags.split) return new Blobs(config, null);
    return new Blobs(config, { ...config, credentials: await tokenCredentials(flags, config, sources) });
  }

  /**
   * Sends one HEAD for the manifest with the same key that the tokens will carry, and warns if apps should not have
   * that key.
   *
   * @throws AccessDeniedError, S3UnreachableError as `proveLocation`
   */
  async validate(flags: DeliveryFlags, sources: SecretSources): Promise<void> {
    if (this.#location === null) return;
    const isThere = flags["no-validate"] || (await proveLocation(this.#location, this.#config));
    if (!isThere) sources.output.warn(absentManifest(this.#location, this.#config));
    warnOfKey(this.#location.credentials, this.#config, sources);
  }

  get variable(): "VSYNC_CONFIG" | "VSYNC_TOKEN" {
    return this.#location === null ? "VSYNC_TOKEN" : "VSYNC_CONFIG";
  }

  textOf(credential: Secret): Delivered {
    return (manifest) => {
      const token = credential.exposeText();
      if (this.#location === null) return token;
      return encodeToken({ ...mintToken(this.#config, this.#location), ...pinnedBy(manifest), token });
    };
  }

  /** `docs/tokens.md` describes the fields. `result` is left out if there is no credential. */
  json(token: TokenSummary, result?: string): Record<string, unknown> {
    const { kind, capabilities, not_after } = token.claims;
    return {
      envVar: this.variable,
      ...(result === undefined ? {} : { result }),
      tokenId: token.id,
      lastFour: token.lastFour,
      kind,
      capabilities,
      ...(not_after === undefined ? {} : { expiresAt: not_after }),
      reads: { granted: token.reads.names.length, of: token.reads.of },
    };
  }
}

/**
 * What the token pins: the vault's anchor, which is the last one, and this generation, so readers refuse older
 * ones.
 */
function pinnedBy({ certs, gen }: Manifest): { readonly anchor?: string; readonly minGen: number } {
  const anchor = certs?.at(-1)?.anchor;
  return { ...(anchor === undefined ? {} : { anchor }), minGen: gen };
}
