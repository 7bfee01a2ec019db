import { type RuntimeToken, TOKEN_FIELDS } from "../../blob/token.ts";
import { shownEndpoint } from "../status/endpoint.ts";

const MASK = "[secret]";
const SECRET_FIELDS: readonly (keyof RuntimeToken)[] = ["secretAccessKey", "sessionToken"];

/** A token's fields in the format's order, what is secret masked. */
export function describeToken(token: RuntimeToken): Record<string, string | number> {
  const present = TOKEN_FIELDS.flatMap((name) =>
    token[name] === undefined ? [] : [[name, shown(token, name)] as const],
  );
  return Object.fromEntries(present);
}

function shown(token: RuntimeToken, name: keyof RuntimeToken): string | number {
  if (SECRET_FIELDS.includes(name)) return MASK;
  return name === "endpoint" ? shownEndpoint(token.endpoint) : (token[name] ?? "");
}
