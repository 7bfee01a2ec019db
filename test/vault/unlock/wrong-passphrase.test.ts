import { expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { wrongPassphrase } from "../../../src/vault/unlock/wrong-passphrase.ts";
import { HOUR_MS, START_MS, World } from "../../support/world.ts";

const manifest = await (await World.pushed()).manifest();
const hintFor = (given: string): string =>
  wrongPassphrase(manifest, Secret.ofText(given), START_MS + 3 * HOUR_MS).hint ?? expect.unreachable();

test.each<[string, RegExp]>([
  ["s\0e\0c\0", /^what you gave has NUL/],
  ["\ufeffsecret", /^what you gave begins with a BOM/],
  ["secret\r\n", /^what you gave ends in a line end; /],
  ["secret\\n", /^what you gave ends in a backslash/],
  [" secret", /^what you gave begins or ends with white space; /],
  ["export VSYNC_PASSPHRASE=secret", /^what you gave begins with a variable/],
  ["vsync_passphrase = secret", /^what you gave begins with a variable/],
  ['"secret"', /^what you gave is in quotes; /],
  ["\u201csecret\u201d", /^what you gave is in quotes and has typographic/],
  ["$(cat file)", /^what you gave is a variable or command/],
  ["one\ntwo", /^what you gave has several lines; /],
  ["se\u200bcret", /^what you gave has an invisible/],
  ["one \u2013 two", /^what you gave has typographic/],
  ["e\u0301", /^what you gave is in another Unicode form/],
  ["aHVudGVyMiBob3JzZQ==", /^what you gave looks like base64; /],
  ["aHVudGVyMiBob3JzZQo=", /^what you gave looks like base64; /],
  ["'secret' \n", /^what you gave ends in a line end and begins or ends with white space and is in quotes; /],
])("a wrong passphrase that was not typed as meant is told how it looks: %j", (given, words) => {
  const hint = hintFor(given);
  expect(hint).toMatch(words);
  expect(hint).toContain("changed 3 h ago by ann@build-7");
  for (const part of ["secret", "hunter2"]) expect(hint).not.toContain(part);
});

test.each([
  "correct horse battery staple",
  "it's a quote' inside",
  "'half quoted",
  "price: $5",
  "PASSPHRASE of mine",
  // Letters and digits without padding, with too much, or after something else, and bytes that are not text.
  "aHVudGVyMiBob3JzZQ",
  "aHVudGVyMiBob3Jz===",
  "aGk=",
  "!aHVudGVyMiBob3JzZQ==",
  "//////////////////8=",
  "AGh1bnRlcjI=",
  "aHVudGVyMgA=",
])("an ordinary one is not: %j", (given) => {
  expect(hintFor(given)).toMatch(/^the store says/);
});
