import type { LogLevel } from "./flags.ts";

/** Values that may be logged: what a person may read in a ticket. A `Secret` is none of them. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

type Severity = Exclude<LogLevel, "silent">;

/** Structured logs on stderr, as JSON lines. */
export type Logger = Readonly<Record<Severity, (fields: LogFields, message: string) => void>>;

export const SILENT_LOGGER: Logger = { error() {}, warn() {}, info() {}, debug() {} };

export async function createLogger(level: LogLevel): Promise<Logger> {
  if (level === "silent") return SILENT_LOGGER;
  const { pino } = await import("pino");
  // Written at once: nothing is lost when the process ends at a signal.
  const log = pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
  return {
    error: (fields, message) => log.error(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
  };
}
