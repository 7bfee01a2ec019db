import type { Logger } from "./options.ts";

/** Something that the operator should look at and that does not stop the app from booting. */
export interface Warning {
  /** Stable, for filters. */
  readonly code: "VSYNC_FILE_EXPOSED" | "VSYNC_STALE_VAULT" | "VSYNC_CACHE_UNWRITABLE" | "VSYNC_NAME_SKIPPED";
  readonly message: string;
  readonly hint: string;
  /** Never a value. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export type Warn = (warning: Warning) => void;

/** Warns through the app's logger, else as Node.js itself warns. */
export function warnThrough(logger: Logger | undefined): Warn {
  return ({ code, message, hint, fields }) => {
    if (logger === undefined) process.emitWarning(message, { type: "VsyncWarning", code, detail: hint });
    else logger.warn({ code, hint, ...fields }, `vsync: ${message}`);
  };
}
