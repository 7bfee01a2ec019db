import { isObject, type JsonObject, parseCanonicalJson } from "../../canonical-json.ts";
import { MeteringError, requireUsage, type UsageMap } from "../../usage/meters.ts";
import { MAX_STATEMENT_CHARACTERS, signStatement, USAGE_HEADER } from "../../usage/statement.ts";
import { type VerifiedRequest, verifiedRequest } from "../verified.ts";
import { withHeader } from "./response-header.ts";

export interface MeteringOptions {
  /** Anything you want to see later, such as a model's name. JSON with integers only. */
  readonly context?: JsonObject;
  /** Units of a wallet. */
  readonly credits?: UsageMap;
}

/** Collects the usage of one request. */
export interface UsageReporter {
  /**
   * Adds to a meter.
   *
   * @throws MeteringError invalid_meter_key, invalid_meter_value
   */
  report(meter: string, amount: number): UsageReporter;
  /**
   * The response with the usage so far.
   *
   * @throws what `withUsage` throws
   */
  wrap<R extends object>(response: R): R;
  /**
   * For a stream: the response, with the announcement that `settle` will report its usage.
   *
   * @throws what `withUsage` throws
   */
  defer<R extends object>(response: R): R;
  /**
   * Records the usage of a response that `defer` announced. Settling the same response again changes nothing.
   *
   * @throws MeteringError as `withUsage`, or not_recorded
   */
  settle(): Promise<void>;
}

/**
 * Returns the response with the request's usage, signed into a header. Sends no request; the gateway verifies and
 * removes the header. Replaces usage that the response already has.
 *
 * @throws MeteringError unverified_request: this backend has not verified the request; invalid_meter_key,
 * invalid_meter_value
 */
export function withUsage<R extends object>(
  request: object,
  response: R,
  usage: UsageMap,
  options: MeteringOptions = {},
): R {
  const of = requireVerified(request);
  const reported = requireUsage(usage, of.reporting.meters);
  if (Object.keys(reported).length === 0) throw new MeteringError("invalid_meter_value", "the usage names no meter");
  return withStatement(of, response, { usage: reported, ...requireOptions(options) });
}

/**
 * Like `withUsage`, step by step.
 *
 * @throws MeteringError unverified_request
 */
export function createUsage(request: object, options: MeteringOptions = {}): UsageReporter {
  const of = requireVerified(request);
  const more = requireOptions(options);
  const usage = new Map<string, number>();
  const reporter: UsageReporter = {
    report(meter, amount) {
      requireUsage({ [meter]: amount }, of.reporting.meters);
      const sum = (usage.get(meter) ?? 0) + amount;
      requireUsage({ [meter]: sum });
      usage.set(meter, sum);
      return reporter;
    },
    wrap: (response) => withUsage(request, response, Object.fromEntries(usage), options),
    defer: (response) => withStatement(of, response, { usage: {}, pending: true }),
    async settle() {
      const { requestId, routeId, reporting } = of;
      await reporting.recordDeferred({ requestId, routeId, usage: Object.fromEntries(usage), ...more });
    },
  };
  return reporter;
}

function requireVerified(request: object): VerifiedRequest {
  const of = verifiedRequest(request);
  if (of !== undefined) return of;
  throw new MeteringError("unverified_request", "this backend has not verified the request that the usage is of");
}

function requireOptions({ context, credits }: MeteringOptions): MeteringOptions {
  return {
    ...(context === undefined ? {} : { context: requireContext(context) }),
    ...(credits === undefined ? {} : { credits: requireUsage(credits) }),
  };
}

/**
 * @throws MeteringError invalid_meter_value: it is not a JSON object whose numbers are integers
 */
export function requireContext(given: JsonObject): JsonObject {
  const refuse = (fault: string) => new MeteringError("invalid_meter_value", `the context ${fault}`);
  const context = parseCanonicalJson(JSON.stringify(given) ?? "", refuse);
  if (!isObject(context)) throw refuse("is not an object");
  return context;
}

function withStatement<R extends object>(
  { requestId, routeId, reporting }: VerifiedRequest,
  response: R,
  said: MeteringOptions & { readonly usage: UsageMap; readonly pending?: true },
): R {
  const iat = Math.floor(reporting.clock.nowMs() / 1000);
  const statement = signStatement(reporting, { iat, request_id: requestId, route_id: routeId, ...said });
  if (statement.length > MAX_STATEMENT_CHARACTERS) {
    throw new MeteringError("invalid_meter_value", `the usage takes more than ${MAX_STATEMENT_CHARACTERS} characters`);
  }
  return withHeader(response, USAGE_HEADER, statement);
}
