import * as nodeCrypto from "node:crypto";
import { InputError } from "../errors.ts";
import type { KdfCost } from "./kdf-cost.ts";

export type Argon2id = (message: Uint8Array, cost: KdfCost, length: number) => Promise<Uint8Array>;

let chosen: Promise<Argon2id> | undefined;

/** The addon where it loads, the built-in otherwise; a test holds them equal. */
export async function argon2id(message: Uint8Array, cost: KdfCost, length: number): Promise<Uint8Array> {
  chosen ??= choose();
  return (await chosen)(message, cost, length);
}

async function choose(): Promise<Argon2id> {
  const found = (await loadAddonArgon2id()) ?? builtInArgon2id();
  if (found === null) {
    throw new InputError("neither the package argon2 nor this runtime's own crypto offers Argon2id", {
      hint: "install argon2 beside the app and keep it out of the bundle, or run on Node.js 24.7 or newer",
    });
  }
  return found;
}

/** The `argon2` addon: faster than the built-in, but a native file that does not travel inside a single binary. */
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

/** `crypto.argon2` (Node ≥ 24.7, bun). */
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
