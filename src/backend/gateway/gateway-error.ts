const STATUS = {
  bad_request: 400,
  bad_target: 400,
  upgrade_refused: 400,
  route_unknown: 404,
  body_too_large: 413,
  gateway_unavailable: 503,
} as const;

/** Why a gateway does not pass on a request. The client may learn the code. */
export type GatewayCode = keyof typeof STATUS;

/** A request that the gateway does not sign. Its message is for the log, never for the client. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayCode;
  /** The HTTP status of the refusal. */
  readonly status: number;

  constructor(code: GatewayCode, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.code = code;
    this.status = STATUS[code];
  }
}
