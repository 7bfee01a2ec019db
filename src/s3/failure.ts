import { S3UnreachableError, type VsyncError } from "../errors.ts";

/**
 * What became of a write. `none`: not done. `unlikely`: not done, says the server, and some have said so of what they
 * did. `unknown`: perhaps done. `pending`: perhaps still to be done, for nobody has said that it is over.
 */
export type Effect = "none" | "unlikely" | "unknown" | "pending";

/** What one try that did not succeed means for the call that it belongs to. */
export interface Failure {
  /** `absent`: no such key. `unmet`: another state than the write's precondition. `contended`: another write is at it. */
  readonly kind: "absent" | "unmet" | "contended" | "other";
  /** Whether another try may succeed. */
  readonly isTransient: boolean;
  /** Whether the server is there and only has too much to do: waiting is all that it asks for. */
  readonly isThrottled?: boolean;
  readonly effect: Effect;
  /** What to throw where nothing comes of it. */
  readonly error: VsyncError;
}

/** What was being asked, of whom, for messages. */
export interface Inquiry {
  /** `read s3://bucket/prefix/manifest` */
  readonly action: string;
  readonly bucket: string;
  readonly region: string;
  /** Name and port. */
  readonly host: string;
  /** Whether the credentials may be ones that expire. */
  readonly mayExpire: boolean;
  readonly nowMs: number;
}

/** No later try can do better. */
export function final(error: VsyncError): Failure {
  return { kind: "other", isTransient: false, effect: "none", error };
}

/** Nothing was done, and it is worth another try. */
export function again(error: VsyncError): Failure {
  return { kind: "other", isTransient: true, effect: "none", error };
}

export function unreachable({ action }: Inquiry, reason: string, hint?: string): S3UnreachableError {
  return new S3UnreachableError(`cannot ${action}: ${reason}`, hint === undefined ? {} : { hint });
}

/** Turned away at the door, to come back later. A proxy or a busy server may say it of a write that goes on behind it. */
export function later(error: VsyncError): Failure {
  return { ...again(error), effect: "unlikely", isThrottled: true };
}

/** What a server said, fit for a terminal: without control and format characters, and short. */
export function printable(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, 64);
}

/** What a server answered, as far as an error of the SDK tells. */
export interface Answer {
  readonly status: number;
  /** S3's word for it. The answer to a HEAD has no body, hence none. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly regionField: string | undefined;
  readonly serverTimeField: string | undefined;
}

/** The answer that the SDK threw an error for; undefined where there was none. */
export function answerIn(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined;
  const thrown: ServiceError = error;
  const status = thrown.$metadata?.httpStatusCode;
  if (status === undefined) return undefined;
  return {
    status,
    code: textOf(thrown.Code) ?? "",
    headers: thrown.$response?.headers ?? {},
    regionField: textOf(thrown.Region),
    serverTimeField: textOf(thrown.ServerTime),
  };
}

/** When the server dated its answer, in milliseconds since the epoch; null where it did not. */
export function datedMs({ headers }: Pick<Answer, "headers">): number | null {
  const serverMs = Date.parse(headers["date"] ?? "");
  return Number.isNaN(serverMs) ? null : serverMs;
}

/** The SDK parses what the server wrote, hence `unknown`. */
interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Record<string, string | undefined> };
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly ServerTime?: unknown;
}

function textOf(field: unknown): string | undefined {
  return typeof field === "string" ? field : undefined;
}
