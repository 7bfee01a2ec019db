import { isObject, type JsonValue } from "../canonical-json.ts";

/** Why usage is not recorded. */
export type MeteringCode = "unverified_request" | "invalid_meter_key" | "invalid_meter_value" | "not_recorded";

/** Usage that an app reported and that is not recorded. */
export class MeteringError extends Error {
  override readonly name = "MeteringError";
  readonly code: MeteringCode;

  constructor(code: MeteringCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The amount of each meter: integers from 0 to 2^53−1. */
export type UsageMap = Readonly<Record<string, number>>;

/** Why this cannot be a meter's key, or null. A key of digits is refused because JavaScript moves it to the front. */
function meterKeyFault(key: string): string | null {
  if (!/^[a-z0-9_]{1,64}$/.test(key)) return "must have 1\u202664 of a\u2026z, 0\u20269 and _";
  return /^[0-9]+$/.test(key) ? "must not be a number" : null;
}

function meterValueFault(value: unknown): string | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? null : "must be an integer from 0 to 2^53\u22121";
}

/**
 * Checks usage given by an app.
 *
 * @param allowed the meters of the app's token; undefined means any
 * @throws MeteringError invalid_meter_key, invalid_meter_value
 */
export function requireUsage(given: UsageMap, allowed?: readonly string[]): UsageMap {
  for (const [key, value] of Object.entries(given)) {
    const fault = meterKeyFault(key) ?? (allowed?.includes(key) === false ? "is not one of this token's meters" : null);
    if (fault !== null) throw new MeteringError("invalid_meter_key", `the meter ${JSON.stringify(key)} ${fault}`);
    const wrong = meterValueFault(value);
    if (wrong !== null) throw new MeteringError("invalid_meter_value", `${key} ${wrong}`);
  }
  return { ...given };
}

/**
 * Why a signed value is not usage, or null.
 *
 * @param least the smallest number of meters
 */
export function usageFault(value: JsonValue | undefined, least: number): string | null {
  if (!isObject(value)) return "must be an object";
  const entries = Object.entries(value);
  if (entries.length < least) return "must not be empty";
  const wrong = entries.find(([key, amount]) => meterKeyFault(key) !== null || meterValueFault(amount) !== null);
  return wrong === undefined ? null : `has ${JSON.stringify(wrong[0])}, which is not a meter with an integer`;
}
