import { S3UnreachableError, type VsyncError } from "../../errors.ts";
import type { Network } from "./exchange.ts";

/**
 * What happened to a write. `none`: it was not done. `unlikely`: the server says not done, but some servers say so and
 * then do it. `unknown`: it may have been done. `pending`: it may still be done, because the server has not said that
 * it is over.
 */
export type Effect = "none" | "unlikely" | "unknown" | "pending";

/** What a failed try means for its call. */
export interface Failure {
  /**
   * `absent`: no such key. `unmet`: the write's precondition does not hold. `contended`: another write is in progress.
   */
  readonly kind: "absent" | "unmet" | "contended" | "other";
  /** Whether another try may succeed. */
  readonly isTransient: boolean;
  /** Whether the server works and only asks for time. */
  readonly isThrottled?: boolean;
  readonly effect: Effect;
  /** What to throw if the call gives up. */
  readonly error: VsyncError;
}

/** The request and its server, for messages. */
export interface Inquiry {
  /** Such as `read s3://bucket/prefix/manifest`. */
  readonly action: string;
  readonly bucket: string;
  readonly region: string;
  /** Name and port. */
  readonly host: string;
  /** Whether the credentials may be temporary. */
  readonly mayExpire: boolean;
  readonly nowMs: number;
  readonly network?: Network | undefined;
}

/** Another try cannot succeed. */
export function final(error: VsyncError): Failure {
  return { kind: "other", isTransient: false, effect: "none", error };
}

/** Nothing was done, and another try may succeed. */
export function again(error: VsyncError): Failure {
  return { kind: "other", isTransient: true, effect: "none", error };
}

export function unreachable({ action }: Inquiry, reason: string, hint?: string): S3UnreachableError {
  return new S3UnreachableError(`cannot ${action}: ${reason}`, hint === undefined ? {} : { hint });
}

/** The server asks for time. A proxy or a busy server may say this about a write that still goes on behind it. */
export function later(error: VsyncError): Failure {
  return { ...again(error), effect: "unlikely", isThrottled: true };
}

/** A server's text, made safe for a terminal: short, and without control and format characters. */
export function printable(text: string, length = 64): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

/** A server's response with a status other than 2xx. */
export interface Answer {
  readonly status: number;
  /** S3's error code; empty for a HEAD, which has no body. */
  readonly code: string;
  /** The server's message without our keys; empty if it sent none. */
  readonly said: string;
  readonly isWebPage: boolean;
  /** Whether the server refused a request because it came without TLS. */
  readonly isTlsOnly: boolean;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly endpointField: string | undefined;
  readonly regionField: string | undefined;
  readonly serverTimeField: string | undefined;
}

export class RefusedError extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

/** The server's response, if the failure is one. */
export function answerIn(error: unknown): Answer | undefined {
  return error instanceof RefusedError ? error.answer : undefined;
}

/** A 200 without an ETag, as from a plain web server. */
export class NoEtagError extends Error {}

/** A 200 to a listing, with something other than a listing. */
export class NoListingError extends Error {}

/** A 200 with a page for people instead of S3's response. */
export class WebPageError extends Error {}
