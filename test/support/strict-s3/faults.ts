/** A fault of one request. `apply`: whether the request still takes effect. */
export type Fault =
  /** Answers `ms` later; the request takes effect after the wait. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Closes the connection without an answer. */
  | { readonly kind: "drop"; readonly apply: boolean }
  /** Never answers. */
  | { readonly kind: "hang"; readonly apply: boolean }
  /** Answers this instead. `body` replaces the XML document that S3 would send. */
  | {
      readonly kind: "answer";
      readonly apply: boolean;
      readonly status: number;
      readonly code?: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Sends the first `bytes` of the body, then closes the connection. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** Sends the first `bytes` of the body, then nothing. */
  | { readonly kind: "stall"; readonly bytes: number }
  /** Sends the body in pieces of `bytes`, one every `ms`. */
  | { readonly kind: "drip"; readonly bytes: number; readonly ms: number }
  /** Sends `start`, then spaces that never end. */
  | { readonly kind: "endless"; readonly status: number; readonly start?: string; readonly etag?: string }
  /** Does something first, as if another client had been faster; then answers normally. */
  | { readonly kind: "meanwhile"; readonly action: () => void };

export interface RequestMatcher {
  readonly method?: string;
  /** The whole key, or a pattern. */
  readonly key?: string | RegExp;
}

interface Armed {
  readonly matcher: RequestMatcher;
  readonly fault: Fault;
  left: number;
  /** The number of matching requests that pass first. */
  passes: number;
}

/** The pending faults, in order; a request meets at most one. */
export class Faults {
  #armed: Armed[] = [];

  /** The next `times` matching requests meet the fault; with `passes`, only after that many have passed. */
  add(matcher: RequestMatcher, fault: Fault, times = 1, passes = 0): void {
    this.#armed.push({ matcher, fault, left: times, passes });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The number of pending faults. */
  get pending(): number {
    return this.#armed.reduce((sum, { left }) => sum + left, 0);
  }

  take(method: string, key: string): Fault | undefined {
    const armed = this.#armed.find(({ matcher, left }) => left > 0 && matches(matcher, method, key));
    if (armed === undefined) return undefined;
    if (armed.passes > 0) {
      armed.passes -= 1;
      return undefined;
    }
    armed.left -= 1;
    return armed.fault;
  }
}

function matches(matcher: RequestMatcher, method: string, key: string): boolean {
  if (matcher.method !== undefined && matcher.method !== method) return false;
  if (matcher.key === undefined) return true;
  return typeof matcher.key === "string" ? matcher.key === key : matcher.key.test(key);
}
