import type { RuntimeToken } from "../blob/token.ts";
import { decodeCheckedBase64 } from "../crypto/base64.ts";
import type { KdfCost } from "../crypto/kdf-cost.ts";
import type { Expectation } from "../vault/open/open-manifest.ts";

/** What a runtime token lets its reader know before the manifest is there. */
export function expectationOf(token: RuntimeToken): Expectation {
  const hint = costHintOf(token);
  return {
    env: token.env,
    ...(token.vault === undefined ? {} : { vault: token.vault }),
    ...(token.minGen === undefined ? {} : { minGen: token.minGen }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** An incomplete hint is not used, and no error. */
function costHintOf({ salt, iterations, memoryKiB, parallelism }: RuntimeToken): KdfCost | undefined {
  if (memoryKiB === undefined || parallelism === undefined) return undefined;
  return { salt: decodeCheckedBase64(salt), iterations, memoryKiB, parallelism };
}
