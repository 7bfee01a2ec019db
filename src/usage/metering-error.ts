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
