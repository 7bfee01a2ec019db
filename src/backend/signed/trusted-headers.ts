/** Headers that only a gateway may set, in every spelling that CGI would map to the same name. */
const PREFIXES = /^(?:x-)?vsync-|^x-fs-/;
const NAMES = new Set(["signature", "signature-input"]);

/**
 * Whether only the gateway may set this header. Gateways drop it from clients; origins hide it from handlers, which
 * have the verified context instead.
 */
export function isGatewayHeader(name: string): boolean {
  const spelled = name.toLowerCase().replaceAll("_", "-");
  return PREFIXES.test(spelled) || NAMES.has(spelled);
}

/** Headers that make some frameworks treat the request as another method. */
export const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"] as const;
