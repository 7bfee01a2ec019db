/**
 * Sets a header of a response, replacing any existing one. If it were appended, it would come twice, and a gateway
 * trusts neither.
 */

/**
 * The response with the header: the same object, or a copy if it cannot be changed, like the results of `fetch` and
 * `Response.redirect`.
 *
 * @throws TypeError it is not a response, or its headers have been sent
 */
export function withHeader<R extends object>(response: R, name: string, value: string): R {
  const known = response as Record<string, unknown>;
  const headers = known["headers"];
  if (isFetchHeaders(headers)) return withFetchHeader(response, headers, name, value);
  // Express and Koa also have `set`, Fastify and Hono `header`; the method closest to Node.js comes first.
  for (const method of ["setHeader", "header", "set"]) {
    if (typeof known[method] !== "function") continue;
    (known[method] as (name: string, value: string) => unknown).call(response, name, value);
    return response;
  }
  // A result of AWS Lambda.
  if (typeof headers === "object" || "statusCode" in response)
    return { ...response, headers: merged(headers, name, value) };
  throw new TypeError("usage can be reported in a Response, or in the response of Node.js or a framework");
}

interface FetchHeaders {
  set(name: string, value: string): void;
}

function isFetchHeaders(headers: unknown): headers is FetchHeaders {
  return typeof headers === "object" && headers !== null && typeof (headers as FetchHeaders).set === "function";
}

function withFetchHeader<R extends object>(response: R, headers: FetchHeaders, name: string, value: string): R {
  try {
    headers.set(name, value);
    return response;
  } catch (error) {
    // Not `instanceof`, because Hono's server for Node.js replaces the global Response, while its `redirect` returns
    // the original class.
    if (!(error instanceof TypeError) || Object.prototype.toString.call(response) !== "[object Response]") throw error;
    const { body } = response as Response;
    const copy = new Response(body, response);
    copy.headers.set(name, value);
    return copy as object as R;
  }
}

function merged(headers: unknown, name: string, value: string): Record<string, unknown> {
  const others = Object.entries(headers ?? {}).filter(([other]) => other.toLowerCase() !== name);
  return { ...Object.fromEntries(others), [name]: value };
}
