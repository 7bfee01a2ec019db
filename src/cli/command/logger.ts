export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type Severity = Exclude<LogLevel, "silent">;

/** People may paste these values into a ticket, so they are never a `Secret`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Structured logs on stderr, as JSON lines. */
export type Logger = Readonly<Record<Severity, (fields: LogFields, message: string) => void>>;

export const SILENT_LOGGER: Logger = { error() {}, warn() {}, info() {}, debug() {} };

export async function createLogger(level: LogLevel): Promise<Logger> {
  if (level === "silent") return SILENT_LOGGER;
  const { pino } = await import("pino");
  // Synchronous, because a signal may end the process at any time.
  const log = pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
  return {
    error: (fields, message) => log.error(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
  };
}
