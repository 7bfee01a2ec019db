import { InputError } from "../errors.ts";
import { tokenFault } from "./fields.ts";
import { writeGzipMember } from "./gzip-member.ts";
import { MAX_TOKEN_BYTES, type RuntimeToken, TOKEN_ENVELOPE, TOKEN_FIELDS } from "./token.ts";

const HINT = "look at the flags that were given, and at the config: `vsync status` says where it is";

/**
 * The one string that an app boots from: `vsync-cfg-v1:` + base64url(gzip(JSON)), fields in the format's order.
 *
 * @throws InputError a field is not what the format asks for, or they are too large together
 */
export function encodeToken(token: RuntimeToken): string {
  const json = tokenJson(token);
  return TOKEN_ENVELOPE + Buffer.from(writeGzipMember(Buffer.from(json))).toString("base64url");
}

/** The JSON before encoding. It holds the secret access key in the clear. */
export function tokenJson(token: RuntimeToken): string {
  const fieldFault = tokenFault(token);
  if (fieldFault !== null) throw new InputError(`runtime token: ${fieldFault}`, { hint: HINT });
  const json = JSON.stringify(Object.fromEntries(TOKEN_FIELDS.map((name) => [name, token[name]])));
  if (Buffer.byteLength(json) <= MAX_TOKEN_BYTES) return json;
  const fault = `its fields are larger than the ${MAX_TOKEN_BYTES} bytes that a reader takes`;
  throw new InputError(`runtime token: ${fault}`, { hint: HINT });
}
