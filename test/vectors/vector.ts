/** Bytes in a vector's input: exactly one of these members. */
export type VectorBytes = { utf8: string } | { hex: string } | { b64: string };

/** See `data/README.md`. */
export interface Vector {
  readonly name: string;
  readonly about: string;
  readonly op: string;
  readonly in: never;
  readonly out?: unknown;
  readonly error?: string;
  readonly row?: number;
  readonly path?: string;
  readonly reason?: string;
  /** Says that the format's text left room here. */
  readonly reading?: string;
  readonly mentions?: readonly string[];
  readonly omits?: readonly string[];
}

export interface Run<Input> {
  readonly input: Input;
  /** Results are written in the form (`utf8`, `hex`, …) in which the vector gives them. */
  readonly expected: unknown;
}
