/** What Argon2id is run with. `salt` 8…64 bytes, `iterations` 1…16 passes, `memoryKiB` 8192…1048576, `parallelism` 1…16 lanes. */
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

/** What is out of bounds, for a message; null where nothing is. */
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
