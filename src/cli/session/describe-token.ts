import { type RuntimeToken, TOKEN_FIELDS } from "../../blob/token.ts";
import { shownEndpoint } from "../config/location.ts";

const MASK = "[secret]";
const SECRET_FIELDS: readonly (keyof RuntimeToken)[] = ["secretAccessKey", "sessionToken", "token"];

/** A token's fields in the order of the format, secrets masked, followed by the id and kind of a credential in it. */
export async function describeToken(token: RuntimeToken): Promise<Record<string, string | number | true>> {
  const present = TOKEN_FIELDS.flatMap((name) =>
    token[name] === undefined ? [] : [[name, shown(token, name)] as const],
  );
  return {
    ...Object.fromEntries(present),
    ...(token.token === undefined ? {} : await describeCredential(token.token, token.vault)),
  };
}

async function describeCredential(text: string, vault: string | undefined): Promise<Record<string, string>> {
  const { deriveCredentialKeys, lastFourOf, parseCredential } = await import("../../tokens/credential.ts");
  using credential = parseCredential(text);
  using keys = await deriveCredentialKeys(credential);
  const fields = { tokenId: keys.id, lastFour: lastFourOf(credential), kind: credential.kind };
  return vault === undefined ? fields : { ...fields, clientId: `${keys.id}@${vault}` };
}

function shown(token: RuntimeToken, name: keyof RuntimeToken): string | number | true {
  if (SECRET_FIELDS.includes(name)) return MASK;
  return name === "endpoint" ? shownEndpoint(token.endpoint) : (token[name] ?? "");
}
