import { Secret } from "../../crypto/secret.ts";
import type { Random } from "../../ports.ts";

/** 32 digits and letters without look-alikes (i, l, o, u), so five random bits choose one evenly. */
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
