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
