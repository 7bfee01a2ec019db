import { S3UnreachableError, type VsyncError } from "../../errors.ts";
import type { Network } from "./exchange.ts";

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
  readonly network?: Network | undefined;
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
export function printable(text: string, length = 64): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

/** A server's answer with another status than 2xx. */
export interface Answer {
  readonly status: number;
  /** S3's error code; empty for a HEAD, whose answer has no body. */
  readonly code: string;
  /** The server's sentence, without our keys; empty without one. */
  readonly said: string;
  readonly isWebPage: boolean;
  readonly headers: Readonly<Record<string, string | undefined>>;
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

/** The server's answer, if it is what failed the call. */
export function answerIn(error: unknown): Answer | undefined {
  return error instanceof RefusedError ? error.answer : undefined;
}

/** A 200 without an ETag: a web server. */
export class NoEtagError extends Error {}

/** A 200 to a listing with something else than a listing. */
export class NoListingError extends Error {}

/** A 200 with a page for people in the place of S3's answer. */
export class WebPageError extends Error {}
