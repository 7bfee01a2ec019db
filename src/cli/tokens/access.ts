import { InputError } from "../../errors.ts";
import { systemClock } from "../../stores/open-store.ts";
import { credentialOf } from "../../stores/token.ts";
import { mintAccessToken } from "../../tokens/access/mint.ts";
import { deriveCredentialKeys, parseCredential } from "../../tokens/credential.ts";
import type { Grant } from "../../tokens/grants/grant.ts";
import type { Permission } from "../../tokens/permissions.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findCredential, findToken } from "../inputs/token-input.ts";
import { readGrants } from "./rights/access-flags.ts";

export interface AccessTokenFlags {
  /** In milliseconds. */
  readonly expires?: number | undefined;
  readonly audience?: string | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly grants?: string | undefined;
}

const DEFAULT_LIFE_SECONDS = 60;

/**
 * Makes an access token offline, signed by the scoped token in `VSYNC_CONFIG` or `VSYNC_TOKEN`.
 *
 * @throws InputError no scoped token is given, or its vault is unknown
 * @throws GrantInvalidError the permissions or grants are not allowed
 */
export async function accessToken(flags: AccessTokenFlags, sources: SecretSources): Promise<string> {
  const { audience, permissions, grants } = flags;
  const signer = await signerOf(sources);
  using keys = await deriveCredentialKeys(signer.credential);
  const claims = {
    ...(permissions === undefined ? {} : { permissions: permissions as readonly Permission[] }),
    ...(grants === undefined ? {} : { grants: (await readGrants(grants)) as readonly Grant[] }),
  };
  const { token } = mintAccessToken(
    { vault: signer.vault, id: keys.id, signingKey: keys.signingKey.expose() },
    {
      expiresInSeconds: flags.expires === undefined ? DEFAULT_LIFE_SECONDS : Math.floor(flags.expires / 1000),
      ...(audience === undefined ? {} : { audience }),
      claims,
      clock: systemClock,
    },
  );
  return token;
}

async function signerOf(sources: SecretSources) {
  const token = await findToken(undefined, sources);
  const opening = token === null ? null : credentialOf(token, await findCredential(sources));
  if (token === null || opening === null) {
    throw new InputError("no scoped token to sign with", {
      hint: "set VSYNC_CONFIG to what `vsync tokens create` printed, or VSYNC_TOKEN next to the VSYNC_CONFIG of runtime-token",
    });
  }
  if (token.vault === undefined) {
    throw new InputError("VSYNC_CONFIG does not say which vault it belongs to", {
      hint: "mint it again with `vsync runtime-token`",
    });
  }
  using secret = opening.secret;
  return { vault: token.vault, credential: parseCredential(secret.exposeText()) };
}
