import { S3UnreachableError, type VsyncError } from "../errors.ts";

/**
 * The outcome of a write. `none`: not done. `unlikely`: the server says not done, but some say so and then do it.
 * `unknown`: perhaps done. `pending`: perhaps done later, since the server has not said that it is over.
 */
export type Effect = "none" | "unlikely" | "unknown" | "pending";

/** The meaning of a failed try for its call. */
export interface Failure {
  /** `absent`: no such key. `unmet`: another state than the write's precondition. `contended`: another write is at it. */
  readonly kind: "absent" | "unmet" | "contended" | "other";
  /** Whether another try may succeed. */
  readonly isTransient: boolean;
  /** The server is up and only asks for time. */
  readonly isThrottled?: boolean;
  readonly effect: Effect;
  /** The error if the call fails for good. */
  readonly error: VsyncError;
}

/** The request and its server, for messages. */
export interface Inquiry {
  /** `read s3://bucket/prefix/manifest` */
  readonly action: string;
  readonly bucket: string;
  readonly region: string;
  /** Name and port. */
  readonly host: string;
  /** The credentials may be temporary ones. */
  readonly mayExpire: boolean;
  readonly nowMs: number;
}

/** No later try can do better. */
export function final(error: VsyncError): Failure {
  return { kind: "other", isTransient: false, effect: "none", error };
}

/** Nothing was done; another try is worth it. */
export function again(error: VsyncError): Failure {
  return { kind: "other", isTransient: true, effect: "none", error };
}

export function unreachable({ action }: Inquiry, reason: string, hint?: string): S3UnreachableError {
  return new S3UnreachableError(`cannot ${action}: ${reason}`, hint === undefined ? {} : { hint });
}

/** Turned away at the door. A proxy or a busy server may say so of a write that goes on behind it. */
export function later(error: VsyncError): Failure {
  return { ...again(error), effect: "unlikely", isThrottled: true };
}

/** A server's words made fit for a terminal: short, without control and format characters. */
export function printable(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, 64);
}

/** A server's answer, as far as an error of the SDK tells. */
export interface Answer {
  readonly status: number;
  /** S3's error code; empty for a HEAD, whose answer has no body. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly regionField: string | undefined;
  readonly serverTimeField: string | undefined;
}

/** The answer behind an error of the SDK; undefined if the server sent none. */
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

/** The date of the server's answer, in milliseconds since the epoch; null if it carries none. */
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
