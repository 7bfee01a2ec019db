/** An IP address as a number of its family; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface Network extends Address {
  readonly mask: number;
}

const MAPPED = 0xffffn << 32n;

/** A network such as `10.0.0.0/8` or `2001:db8::/32`, or null. The bits beyond the mask must be zero. */
export function parseNetwork(text: string): Network | null {
  const [, address = "", digits = ""] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const family = parseFamily(address);
  const mask = Number(digits);
  if (family === null || digits === "" || mask > family.bits) return null;
  const beyond = (1n << BigInt(family.bits - mask)) - 1n;
  if ((family.value & beyond) !== 0n) return null;
  const mapped = family.bits === 128 && mask >= 96 && family.value >> 32n === 0xffffn;
  return mapped ? { bits: 32, value: family.value - MAPPED, mask: mask - 96 } : { ...family, mask };
}

export function parseAddress(text: string): Address | null {
  const address = parseFamily(text);
  if (address === null || address.bits === 32 || address.value >> 32n !== 0xffffn) return address;
  return { bits: 32, value: address.value - MAPPED };
}

export function contains({ bits, value, mask }: Network, address: Address): boolean {
  return bits === address.bits && value === (address.value >> BigInt(bits - mask)) << BigInt(bits - mask);
}

function parseFamily(text: string): Address | null {
  const four = parseFour(text);
  if (four !== null) return { bits: 32, value: four };
  const six = parseSix(text);
  return six === null ? null : { bits: 128, value: six };
}

function parseFour(text: string): bigint | null {
  const parts = text.split(".");
  const sound = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return sound ? parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) : null;
}

/** The URL parser reads IPv6 strictly and normalises it to groups of hex digits, with at most one `::`. */
function parseSix(text: string): bigint | null {
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !URL.canParse(`http://[${text}]`)) return null;
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined): string[] => (part === undefined || part === "" ? [] : part.split(":"));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return [...first, ...zeros, ...last].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
