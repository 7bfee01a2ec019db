import type { Claim, RequestToSign, SigningKey } from "./claim.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { readRfc9421, signRfc9421 } from "./rfc9421.ts";
import { readXFs, signXFs } from "./x-fs.ts";

/** How a gateway writes down what it signs. The settings fix one per backend; a request cannot choose. */
export interface Profile {
  /**
   * @throws TypeError a value that the profile cannot represent
   */
  sign(request: RequestToSign, key: SigningKey): Record<string, string>;
  /** @throws VerificationError missing_signature, malformed_signature */
  read(headers: RequestHeaders): Claim;
}

export const PROFILES = {
  rfc9421: { sign: signRfc9421, read: readRfc9421 },
  "x-fs": { sign: signXFs, read: readXFs },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
