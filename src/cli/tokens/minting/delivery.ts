import { encodeToken } from "../../../blob/token.ts";
import type { Secret } from "../../../crypto/secret.ts";
import type { StoreLocation } from "../../../stores/location.ts";
import type { Manifest } from "../../../vault/format/manifest.ts";
import type { TokenSummary } from "../../../vault/tokens/summary.ts";
import { CREDENTIAL_FLAGS, Flags, type Given } from "../../command/flags.ts";
import type { LocalConfig } from "../../config/local-config.ts";
import { vaultArgs } from "../../config/target.ts";
import { tokenCredentials, warnOfKey } from "../../inputs/credentials.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import { type Delivered, handOverOnStdout, TokenFiles, type TokenHandOver } from "./hand-over.ts";
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

export type DeliveryFlags = Given<typeof DELIVERY_FLAGS>;

function wantsJson({ json, format }: DeliveryFlags): boolean {
  return json === true || format === "json";
}

/** A new token, with its credential. */
export interface MintedToken {
  readonly token: TokenSummary;
  readonly credential: Secret;
}

/** Delivers new tokens as strings: `vsync-cfg-v1:…`, or with `--split` only the credential. */
export class Delivery {
  readonly #config: LocalConfig;
  /** Null with `--split`. */
  readonly #location: StoreLocation | null;
  readonly #flags: DeliveryFlags;
  readonly #sources: SecretSources;

  private constructor(
    config: LocalConfig,
    location: StoreLocation | null,
    flags: DeliveryFlags,
    sources: SecretSources,
  ) {
    this.#config = config;
    this.#location = location;
    this.#flags = flags;
    this.#sources = sources;
  }

  /**
   * @throws InputError no key for the bucket is given
   */
  static async of(config: LocalConfig, flags: DeliveryFlags, sources: SecretSources): Promise<Delivery> {
    const location = flags.split ? null : { ...config, credentials: await tokenCredentials(flags, config, sources) };
    return new Delivery(config, location, flags, sources);
  }

  /**
   * Sends one HEAD for the manifest with the same key that the tokens will carry, and warns if apps should not have
   * that key.
   *
   * @throws AccessDeniedError, S3UnreachableError as `proveLocation`
   */
  async validate(): Promise<void> {
    if (this.#location === null) return;
    const isThere = this.#flags["no-validate"] || (await proveLocation(this.#location, this.#config));
    if (!isThere) this.#sources.output.warn(absentManifest(this.#location, this.#config));
    warnOfKey(this.#location.credentials, this.#config, this.#sources);
  }

  get variable(): "VSYNC_CONFIG" | "VSYNC_TOKEN" {
    return this.#location === null ? "VSYNC_TOKEN" : "VSYNC_CONFIG";
  }

  /** Delivers to stdout, or into the file of `--out`. */
  handOver({ token, credential }: MintedToken): TokenHandOver {
    const { out } = this.#flags;
    if (out !== undefined) return this.handOverInFiles([{ token, credential, path: out }]);
    const textOf = this.#textOf(credential);
    const asJson: Delivered = (manifest) => JSON.stringify(this.#json(token, textOf(manifest)));
    const shown = wantsJson(this.#flags) ? asJson : textOf;
    const again = `vsync tokens rotate ${vaultArgs(this.#config)} ${token.id}`;
    return handOverOnStdout((manifest) => `${shown(manifest)}\n`, again, this.#sources.output);
  }

  handOverInFiles(tokens: readonly (MintedToken & { readonly path: string })[]): TokenHandOver {
    const files = tokens.map(({ path, credential }) => ({ path, textOf: this.#textOf(credential) }));
    return new TokenFiles(files, this.#sources.output);
  }

  /** The token as JSON; undefined unless `--json` asks for it, and stdout does not have the token itself. */
  jsonOf(token: TokenSummary): object | undefined {
    return this.#flags.out !== undefined && wantsJson(this.#flags) ? this.#json(token) : undefined;
  }

  #textOf(credential: Secret): Delivered {
    return (manifest) => {
      const token = credential.exposeText();
      if (this.#location === null) return token;
      return encodeToken({ ...mintToken(this.#config, this.#location), ...pinnedBy(manifest), token });
    };
  }

  /** `docs/tokens.md` describes the fields. `result` is left out if there is no credential. */
  #json(token: TokenSummary, result?: string): Record<string, unknown> {
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
