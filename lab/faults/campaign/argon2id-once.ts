import * as actual from "../../../src/crypto/argon2id.ts";
import { derivingOnce } from "../derive-once.ts";

export * from "../../../src/crypto/argon2id.ts";
// Takes precedence over the export of the same name above.
export const { argon2id } = derivingOnce(actual);
