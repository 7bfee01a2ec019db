import { ConfigInvalidError, ConfigMissingError, ConfigUnsupportedVersionError } from "../errors.ts";
import { isRecord, knownFields, tokenFault } from "./fields.ts";
import { readGzipMember } from "./gzip-member.ts";
import { MAX_TOKEN_BYTES, type RuntimeToken, TOKEN_ENVELOPE } from "./token.ts";

const MINT_AGAIN = "mint a new one with `vsync runtime-token` and set it without changing it";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes `VSYNC_CONFIG` strictly. Unknown fields are ignored.
 *
 * @throws ConfigMissingError the string is empty
 * @throws ConfigUnsupportedVersionError another envelope, or another `v` than 1
 * @throws ConfigInvalidError anything else
 */
export function decodeToken(text: string): RuntimeToken {
  if (text === "") {
    throw new ConfigMissingError("VSYNC_CONFIG is empty", { hint: "set it to what `vsync runtime-token` prints" });
  }
  if (!text.startsWith(TOKEN_ENVELOPE)) {
    const message = `unsupported VSYNC_CONFIG envelope: expected "${TOKEN_ENVELOPE}"`;
    throw new ConfigUnsupportedVersionError(message, { hint: MINT_AGAIN });
  }
  const fields = parseObject(inflate(decodeBase64Url(text.slice(TOKEN_ENVELOPE.length))));
  checkVersion(fields);
  const fault = tokenFault(fields);
  if (fault !== null) throw invalid(fault);
  return knownFields(fields);
}

function decodeBase64Url(body: string): Uint8Array {
  const bytes = Buffer.from(body, "base64url");
  if (bytes.toString("base64url") !== body) {
    throw invalid("what follows the envelope is not base64url; it may be cut, wrapped or quoted");
  }
  return bytes;
}

function inflate(member: Uint8Array): Uint8Array {
  try {
    return readGzipMember(member, MAX_TOKEN_BYTES);
  } catch (error) {
    throw invalid(`${(error as Error).message}; it may be cut or altered`);
  }
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw invalid("it does not hold JSON");
  }
  if (!isRecord(value)) throw invalid("it does not hold a JSON object");
  return value;
}

function checkVersion(fields: Record<string, unknown>): void {
  const version = Object.hasOwn(fields, "v") ? fields["v"] : undefined;
  if (version === 1) return;
  const named = typeof version === "number" ? `v=${version}` : "no numeric v";
  throw new ConfigUnsupportedVersionError(`unsupported VSYNC_CONFIG version: ${named}`, {
    hint: "upgrade vsync in this app, or mint the token with the version of vsync that the app has",
  });
}

function invalid(fault: string): ConfigInvalidError {
  return new ConfigInvalidError(`invalid VSYNC_CONFIG: ${fault}`, { hint: MINT_AGAIN });
}
