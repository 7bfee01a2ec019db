import { VsyncError } from "../../src/errors.ts";

/** A parser, and the promises that it keeps for every input. */
export interface Target {
  readonly name: string;
  /** The first inputs of the corpus. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Throws if a promise is broken. Returns true if the parser accepted the bytes, false if it refused them as
   * documented.
   */
  readonly run: (bytes: Uint8Array) => boolean | Promise<boolean>;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Returns the result of `read`, or null if it refuses with an allowed error. Other errors pass through. */
export function readOrRefused<T>(read: () => T, refusals: readonly ErrorClass[]): { readonly value: T } | null {
  try {
    return { value: read() };
  } catch (error) {
    checkRefusal(error, refusals);
    return null;
  }
}

export function checkRefusal(error: unknown, refusals: readonly ErrorClass[]): void {
  if (!refusals.some((refusal) => error instanceof refusal)) throw error;
  // Programs log messages verbatim, so they are one line without control characters.
  const said = error instanceof VsyncError ? `${error.message}${error.hint ?? ""}` : "";
  if (/\p{Cc}/u.test(said)) throw new TypeError(`an unprintable message: ${JSON.stringify(said)}`);
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
