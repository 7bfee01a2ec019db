/* ULIDs: 48 bits of time and 80 random bits in Crockford's base 32. They sort by time. */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_BYTES = 10;
const FORM = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function ulid(atMs: number, random: { bytes(length: number): Uint8Array }): string {
  const bits = random.bytes(RANDOM_BYTES).reduce((sum, byte) => (sum << 8n) | BigInt(byte), BigInt(atMs));
  return Array.from({ length: 26 }, (_, at) => ALPHABET[Number((bits >> BigInt(5 * (25 - at))) & 31n)]).join("");
}

export function isUlid(text: string): boolean {
  return FORM.test(text);
}
