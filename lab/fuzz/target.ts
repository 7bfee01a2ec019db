import { VsyncError } from "../../src/errors.ts";

/** A parser, and what must hold whatever it is given. */
export interface Target {
  readonly name: string;
  /** What a corpus begins with. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Throws where a promise is broken. True where the bytes were taken, false where they were refused as the parser
   * documents.
   */
  readonly run: (bytes: Uint8Array) => boolean | Promise<boolean>;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** What `read` gives, or null where it refuses in one of the ways it may; every other failure goes on. */
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
  // A program may log a message as it is: one line, without a control character.
  const said = error instanceof VsyncError ? `${error.message}${error.hint ?? ""}` : "";
  if (/\p{Cc}/u.test(said)) throw new TypeError(`an unprintable message: ${JSON.stringify(said)}`);
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
