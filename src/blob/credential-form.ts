import { createHash } from "node:crypto";

const FORM = /^vsrt_(live|test)_([A-Za-z0-9_-]{48})$/;
const SEED_BYTES = 32;
const CHECK_BYTES = 4;

/** The fault of a credential's text (`docs/format.md`, Credential), or null. Quotes no part of it. */
export function credentialFault(text: string): string | null {
  const [, kind, body] = FORM.exec(text) ?? [];
  if (kind === undefined || body === undefined) return "must be vsrt_live_ or vsrt_test_ and 48 characters";
  const bytes = Buffer.from(body, "base64url");
  const seed = bytes.subarray(0, SEED_BYTES);
  const check = createHash("sha256").update(`vsync-credential-v1|${kind}|`).update(seed).digest();
  if (check.subarray(0, CHECK_BYTES).equals(bytes.subarray(SEED_BYTES))) return null;
  return "has a character that was altered";
}
