import { expect, test } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { keyIdOf, parseNote, signNote, verifyNote, verifyNoteAside } from "../../src/crypto/note.ts";
import { generateSigningKey, signEd25519, verifyEd25519, verifyEd25519Aside } from "../../src/crypto/signing.ts";

const key = generateSigningKey();
const text = "what is signed\n";
const signed = encodeBase64(Buffer.concat([keyIdOf("vsync/v", key.publicKey), signEd25519(key, Buffer.from(text))]));
const parsed = (note: string) => parseNote(Buffer.from(note), "it");

test("a note is its text, an empty line and one signature", () => {
  const note = `${text}\n\u2014 vsync/v ${signed}\n`;
  expect(Buffer.from(signNote(text, "vsync/v", key)).toString()).toBe(note);
  expect(parsed(note)).toMatchObject({ text, name: "vsync/v" });
  expect(() => verifyNote(parsed(note), "vsync/v", key.publicKey, "it")).not.toThrow();
});

test.each([
  ["no text, and no line for one", `\u2014 vsync/v ${signed}\n`],
  ["no text but what the empty line leaves", `\n\n\u2014 vsync/v ${signed}\n`],
  ["a letter before its signature, and no line", `x\u2014 vsync/v ${signed}\n`],
  ["no signature", `${text}\n`],
  ["a name with a space", `${text}\n\u2014 vsync v ${signed}\n`],
])("with %s it is refused", (_name, note) => {
  expect(() => parsed(note)).toThrow(
    expect.objectContaining({ name: "NotAuthenticError", message: "it is not a signed note" }),
  );
});

test.each(["A", "AAA", "AB==", "====", "AAAA", `AAAA${signed}`, signed.slice(4)])(
  "the signature %j is malformed",
  (other) => {
    expect(() => parsed(`${text}\n\u2014 vsync/v ${other}\n`)).toThrow(
      expect.objectContaining({ name: "NotAuthenticError", message: "it has a malformed signature" }),
    );
  },
);

test.each([
  // The signature covers only the text, and a key id can be copied, so the name needs a check of its own.
  ["another name above the right key's id", "vsync/w", signed],
  ["another key's id", "vsync/v", encodeBase64(Buffer.concat([Buffer.alloc(4), signEd25519(key, Buffer.from(text))]))],
  [
    "another text's signature",
    "vsync/v",
    encodeBase64(Buffer.concat([keyIdOf("vsync/v", key.publicKey), signEd25519(key, Buffer.from(`${text}\n`))])),
  ],
])("with %s it is not the signer's", async (_name, name, signature) => {
  const note = parsed(`${text}\n\u2014 ${name} ${signature}\n`);
  const refusal = expect.objectContaining({
    name: "NotAuthenticError",
    message: "it is not signed by the vault's signer",
  });
  expect(() => verifyNote(note, "vsync/v", key.publicKey, "it")).toThrow(refusal);
  await expect(verifyNoteAside(note, "vsync/v", key.publicKey, "it")).rejects.toThrow(refusal);
});

test.each([0, 31, 33])("%i bytes are not a public key and verify nothing", async (length) => {
  const signature = signEd25519(key, Buffer.from(text));
  expect(verifyEd25519(new Uint8Array(length).fill(1), Buffer.from(text), signature)).toBe(false);
  expect(await verifyEd25519Aside(new Uint8Array(length).fill(1), Buffer.from(text), signature)).toBe(false);
});
