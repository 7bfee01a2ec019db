/** What a gateway says, and a client may not: in any spelling that CGI would make the same. */
const PREFIXES = /^(?:x-)?vsync-|^x-fs-/;
const NAMES = new Set(["signature", "signature-input"]);

/**
 * Whether a header is the gateway's. Gateways drop those of clients; origins keep them from handlers, which have the
 * verified context.
 */
export function isGatewayHeader(name: string): boolean {
  const spelled = name.toLowerCase().replaceAll("_", "-");
  return PREFIXES.test(spelled) || NAMES.has(spelled);
}

/** Headers by which some frameworks serve another method than the request's. */
export const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"] as const;
