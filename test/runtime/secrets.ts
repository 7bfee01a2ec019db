import { onTestFinished, vi } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";

/** Records every secret until the end of the test. */
export function collectSecrets(): Secret[] {
  const secrets: Secret[] = [];
  const { ofBytes, ofText } = Secret;
  const collected = (secret: Secret) => {
    secrets.push(secret);
    return secret;
  };
  vi.spyOn(Secret, "ofBytes").mockImplementation((bytes) => collected(ofBytes(bytes)));
  vi.spyOn(Secret, "ofText").mockImplementation((text) => collected(ofText(text)));
  onTestFinished(() => void vi.restoreAllMocks());
  return secrets;
}

export function isNotZero(secret: Secret): boolean {
  return secret.expose().some((byte) => byte !== 0);
}
