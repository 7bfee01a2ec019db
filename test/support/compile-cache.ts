import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** Keeps the sources without their types between processes: otherwise each start spends half a second on them. */
export const COMPILE_CACHE = ["--import", import.meta.filename];

enableCompileCache(join(import.meta.dirname, "../../.cache/compile"));
