import * as nodeCrypto from "node:crypto";
import { InputError } from "../errors.ts";

/** The parameters of Argon2id. `salt` 8…64 bytes, `iterations` 1…16 passes, `memoryKiB` 8192…1048576, `parallelism` 1…16 lanes. */
export interface KdfCost {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly memoryKiB: number;
  readonly parallelism: number;
}

/** RFC 9106 §4, second recommended option. */
export const DEFAULT_COST = { iterations: 3, memoryKiB: 65536, parallelism: 4 } as const;
export const SALT_BYTES = 16;

const BOUNDS = {
  memoryKiB: [8192, 1048576],
  iterations: [1, 16],
  parallelism: [1, 16],
} as const;
const SALT_BOUNDS = [8, 64] as const;

/** The first parameter out of bounds, as the end of a message, or null. */
export function kdfCostFault(cost: KdfCost): string | null {
  for (const name of ["memoryKiB", "iterations", "parallelism"] as const) {
    const [least, most] = BOUNDS[name];
    if (!Number.isInteger(cost[name]) || cost[name] < least || cost[name] > most) {
      return `key derivation ${name} is ${cost[name]}, outside ${least}…${most}`;
    }
  }
  const [least, most] = SALT_BOUNDS;
  if (cost.salt.length < least || cost.salt.length > most) {
    return `key derivation salt has ${cost.salt.length} bytes, outside ${least}…${most}`;
  }
  return null;
}

export type Argon2id = (message: Uint8Array, cost: KdfCost, length: number) => Promise<Uint8Array>;

let chosen: Promise<Argon2id> | undefined;

/** Uses the addon if it loads, else the built-in. A test checks that both give the same bytes. */
export async function argon2id(message: Uint8Array, cost: KdfCost, length: number): Promise<Uint8Array> {
  chosen ??= choose();
  return (await chosen)(message, cost, length);
}

async function choose(): Promise<Argon2id> {
  const found = (await loadAddonArgon2id()) ?? builtInArgon2id();
  if (found === null) {
    throw new InputError("neither the package argon2 nor this runtime's own crypto offers Argon2id", {
      hint: "install argon2 with the app and keep it out of the bundle, or run on Node.js 24.7 or newer",
    });
  }
  return found;
}

/** The `argon2` addon. It is faster than the built-in, but a native file that cannot go into a single binary. */
export async function loadAddonArgon2id(): Promise<Argon2id | null> {
  try {
    const { argon2id: type, hash } = await import("argon2");
    return (message, cost, length) =>
      hash(asBuffer(message), {
        raw: true,
        type,
        version: 0x13,
        hashLength: length,
        salt: asBuffer(cost.salt),
        timeCost: cost.iterations,
        memoryCost: cost.memoryKiB,
        parallelism: cost.parallelism,
      });
  } catch {
    return null;
  }
}

/** `crypto.argon2`, in Node.js 24.7 or newer and Bun; null elsewhere. */
export function builtInArgon2id(): Argon2id | null {
  const argon2 = (nodeCrypto as Partial<typeof nodeCrypto>).argon2;
  if (argon2 === undefined) return null;
  return (message, cost, length) =>
    new Promise((resolve, reject) => {
      const parameters = {
        message,
        nonce: cost.salt,
        passes: cost.iterations,
        memory: cost.memoryKiB,
        parallelism: cost.parallelism,
        tagLength: length,
      };
      argon2("argon2id", parameters, (error, key) => (error === null ? resolve(key) : reject(error)));
    });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
