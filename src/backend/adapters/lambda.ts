import { fromBase64 } from "../../tokens/base64.ts";
import { refusalOf } from "../node/refuse.ts";
import { isGatewayHeader } from "../signed/trusted-headers.ts";
import { VerificationError } from "../verification-error.ts";
import type { Verifier } from "../verifier.ts";
import type { RequestContext } from "../verify/verify-request.ts";

/** An event of a function URL or an HTTP API, payload version 2.0. */
export interface LambdaEvent {
  readonly version?: string;
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly requestContext: { readonly http: { readonly method: string } };
  readonly body?: string | null | undefined;
  readonly isBase64Encoded?: boolean;
}

export interface LambdaResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A verified event. */
export type VerifiedEvent<Event> = Event & { readonly vsync: RequestContext };

/**
 * Wraps the handler of a function behind a function URL or an HTTP API (payload 2.0), and calls it only for verified
 * events. Payload version 1.0 and ALB rewrite the query, so the signature would never match.
 */
export function createLambdaHandler<Event extends LambdaEvent, Result>(
  backend: Verifier,
  handler: (event: VerifiedEvent<Event>, context: unknown) => Promise<Result> | Result,
): (event: Event, context?: unknown) => Promise<Result | LambdaResult> {
  return async (event, context) => {
    let verified: VerifiedEvent<Event>;
    try {
      verified = await verifyLambdaEvent(backend, event);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      const { status, headers, body } = refusalOf(error);
      return { statusCode: status, headers, body };
    }
    return handler(verified, context);
  };
}

async function verifyLambdaEvent<Event extends LambdaEvent>(
  backend: Verifier,
  event: Event,
): Promise<VerifiedEvent<Event>> {
  const { rawPath, rawQueryString, headers, requestContext, body, isBase64Encoded } = event;
  const { method } = requestContext.http;
  const target = rawPath + (rawQueryString === "" ? "" : `?${rawQueryString}`);
  const context = await backend.verifyRequest({ method, target, headers, body: bytesOf(body ?? "", isBase64Encoded) });
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isGatewayHeader(name)));
  const verified = { ...event, headers: kept, vsync: context };
  backend.remember([verified], context, method);
  return verified;
}

function bytesOf(body: string, isBase64Encoded: boolean | undefined): Uint8Array {
  if (isBase64Encoded !== true) return new TextEncoder().encode(body);
  const bytes = fromBase64(body);
  if (bytes === null) throw new VerificationError("body_hash_mismatch", "the event's body is not base64");
  return bytes;
}
