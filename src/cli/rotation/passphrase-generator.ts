import { Secret } from "../../crypto/secret.ts";
import type { Random } from "../../ports.ts";

/** Digits and letters that nobody confuses: no i, l, o, u. 32 of them, so that five bits of a byte choose one evenly. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS = 7;
const GROUP_LENGTH = 4;
const DASH = 0x2d;

/** A passphrase of 28 symbols, 140 bits, in groups: `7h3k-…`. It needs no quoting in any shell or file. */
export function generatePassphrase(random: Random): Secret {
  const drawn = random.bytes(GROUPS * GROUP_LENGTH);
  const text = new Uint8Array(drawn.length + GROUPS - 1).fill(DASH);
  for (const [at, byte] of drawn.entries()) {
    text[at + Math.floor(at / GROUP_LENGTH)] = ALPHABET.charCodeAt(byte % ALPHABET.length);
  }
  drawn.fill(0);
  return Secret.ofBytes(text);
}
