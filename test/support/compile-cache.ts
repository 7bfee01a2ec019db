import { join } from "node:path";

const FOLDER = JSON.stringify(join(import.meta.dirname, "../../.cache/compile"));
const ENABLING = `import { enableCompileCache } from "node:module"; enableCompileCache(${FOLDER});`;
// A shell takes it as one word, too.
const WORD = encodeURIComponent(ENABLING).replace(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16)}`);

/**
 * Caches the sources without their types between processes. In JavaScript, so that no process loads the type stripper.
 */
export const COMPILE_CACHE = ["--import", `data:text/javascript,${WORD}`];
