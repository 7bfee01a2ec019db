import type * as argon2 from "../../src/crypto/argon2id.ts";

/**
 * Argon2id with a memory: these tests open the same vault with the same passphrase thousands of times and would spend most
 * of their time deriving. Every caller gets its own copy, because callers zero it.
 */
export function derivingOnce(actual: typeof argon2): typeof argon2 {
  const derived = new Map<string, Promise<Uint8Array>>();
  return {
    ...actual,
    async argon2id(message, cost, length) {
      const name = JSON.stringify([[...message], [...cost.salt], cost.iterations, cost.memoryKiB, cost.parallelism]);
      const deriving = derived.get(name) ?? actual.argon2id(message, cost, length);
      derived.set(name, deriving);
      return Uint8Array.from(await deriving);
    },
  };
}
