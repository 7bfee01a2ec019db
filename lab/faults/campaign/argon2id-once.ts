import * as actual from "../../../src/crypto/argon2id.ts";
import { derivingOnce } from "../derive-once.ts";

export const { argon2id } = derivingOnce(actual);
