import { encodeToken, tokenJson } from "../../blob/encode.ts";
import type { RuntimeToken } from "../../blob/token.ts";
import type { Output } from "../terminal/output.ts";

/** AWS Lambda's limit for all variables together, in bytes. */
const LAMBDA_LIMIT_BYTES = 4096;

/** Prints the token, alone on stdout; with `asJson` also what is inside, on stderr. */
export function emitToken(token: RuntimeToken, output: Output, { asJson }: { readonly asJson: boolean }): void {
  const text = encodeToken(token);
  if (asJson) showJson(token, output);
  if (text.length > LAMBDA_LIMIT_BYTES) {
    output.warn(
      `the token has ${text.length} bytes: AWS Lambda allows ${LAMBDA_LIMIT_BYTES} for all variables together`,
    );
  }
  output.raw(`${text}\n`);
}

function showJson(token: RuntimeToken, output: Output): void {
  const what = token.secretAccessKey === undefined ? "IS WHAT THE TOKEN HOLDS" : "CONTAINS YOUR AWS SECRET ACCESS KEY";
  const rule = "!".repeat(72);
  for (const line of [rule, `!! THE NEXT LINE ${what}: do not log, paste or store it`, rule]) output.say(line);
  output.say(tokenJson(token));
}
