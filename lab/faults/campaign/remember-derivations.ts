/** Import this first (`node --import`): see `derive-once.ts`. */

import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    const isTheKdf = specifier === "./argon2id.ts" && context.parentURL?.endsWith("/src/crypto/kdf.ts") === true;
    return next(isTheKdf ? new URL("argon2id-once.ts", import.meta.url).href : specifier, context);
  },
});
