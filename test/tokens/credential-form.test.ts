import { expect, test } from "vitest";
import { sha256 } from "../../src/crypto/digest.ts";
import { readCredentialText, writeCredentialText } from "../../src/tokens/credential-form.ts";

const CREDENTIAL = writeCredentialText("test", new Uint8Array(32).fill(7), sha256);

test.each([
  [`"${CREDENTIAL}"`, "what you gave is in quotes; "],
  [`${CREDENTIAL}\n`, "what you gave ends in a line end; "],
  [`VSYNC_TOKEN=${CREDENTIAL}`, "what you gave begins with a variable's name, as in a dotenv file; "],
  [`${CREDENTIAL.slice(0, 40)} ${CREDENTIAL.slice(40)}`, "what you gave has white space in it; "],
  [`${CREDENTIAL}${CREDENTIAL}`, "what you gave holds the token twice; "],
  ["vsync-cfg-v1:abc", "what you gave is a runtime token, which belongs in VSYNC_CONFIG; "],
  ["/run/secrets/token", "what you gave is a path, which belongs in VSYNC_TOKEN_FILE; "],
  [CREDENTIAL.slice(0, 40), ""],
  ["xyz", ""],
])("the hint says what looks odd, and quotes nothing: %j", (text, start) => {
  const end = start === "" ? "; `vsync tokens rotate` makes a new one" : "";
  const hint = `${start}set it to exactly what \`vsync tokens create\` printed${end}`;
  expect(() => readCredentialText(text, sha256)).toThrow(expect.objectContaining({ hint }));
});
