import type { S3Client } from "@aws-sdk/client-s3";

/** The SDK drops the Date header of an answer that it has parsed. Keyed by what it makes of the answer. */
const dates = new WeakMap<object, string>();

/** Keeps the date of every answer for {@link skewOf}. */
export function keepDates({ middlewareStack }: S3Client): void {
  middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers = {} } = result.response as { readonly headers?: Readonly<Record<string, string>> };
      const date = headers["date"];
      if (date !== undefined && result.output !== undefined) dates.set(result.output, date);
      return result;
    },
    // High: farthest from the connection, where the answer is parsed.
    { step: "deserialize", priority: "high", name: "keepDates" },
  );
}

/** As `StoredObject.skewMs`: nothing if the server did not date the answer. */
export function skewOf(output: object, nowMs: number): { readonly skewMs?: number } {
  const serverMs = Date.parse(dates.get(output) ?? "");
  return Number.isNaN(serverMs) ? {} : { skewMs: skewMs(serverMs, nowMs) };
}

/** A Date header has seconds. */
export function skewMs(serverMs: number, nowMs: number): number {
  return serverMs - Math.floor(nowMs / 1000) * 1000;
}
