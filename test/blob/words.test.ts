import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodeToken, encodeToken, type RuntimeToken, TOKEN_ENVELOPE } from "../../src/blob/token.ts";

const MINT = "mint a new one with `vsync runtime-token` and set it without changing it";
const UPGRADE = "upgrade vsync in this app, or mint the token with the app's version of vsync";
const LOOK = "check the flags, and the config: `vsync status` says where it is";
const TOKEN: RuntimeToken = {
  v: 1,
  endpoint: "https://s3.example.com",
  region: "eu-central-1",
  bucket: "secrets",
  prefix: "api/prod/",
  env: "prod",
  salt: "AAEC",
  iterations: 1,
  credentials: "ambient",
};

const holding = (content: string | Uint8Array) => TOKEN_ENVELOPE + gzipSync(content).toString("base64url");

test.each([
  ["", "VSYNC_CONFIG is empty", "set it to what `vsync runtime-token` prints"],
  ["vsync-cfg-v2:AAAA", 'unsupported VSYNC_CONFIG envelope: expected "vsync-cfg-v1:"', MINT],
  [
    `${TOKEN_ENVELOPE}A=`,
    "invalid VSYNC_CONFIG: what follows the envelope is not base64url; it may be cut, wrapped or quoted",
    MINT,
  ],
  [`${TOKEN_ENVELOPE}AAAA`, "invalid VSYNC_CONFIG: not gzip; it may be cut or altered", MINT],
  [holding("no JSON"), "invalid VSYNC_CONFIG: it does not hold JSON", MINT],
  [holding(Uint8Array.of(0xff)), "invalid VSYNC_CONFIG: it does not hold JSON", MINT],
  [holding("[1]"), "invalid VSYNC_CONFIG: it does not hold a JSON object", MINT],
  [holding("null"), "invalid VSYNC_CONFIG: it does not hold a JSON object", MINT],
  [holding("{}"), "unsupported VSYNC_CONFIG version: no numeric v", UPGRADE],
  [holding('{"v":2}'), "unsupported VSYNC_CONFIG version: v=2", UPGRADE],
  [holding('{"v":1}'), "invalid VSYNC_CONFIG: endpoint is missing", MINT],
])("%j: %s", (text, message, hint) => {
  expect(() => decodeToken(text)).toThrow(expect.objectContaining({ message, hint }));
});

test("what cannot be written says where to look", () => {
  const message = "runtime token: prefix must end in /";
  expect(() => encodeToken({ ...TOKEN, prefix: "api" })).toThrow(expect.objectContaining({ message, hint: LOOK }));
  const large = "runtime token: its fields are larger than the 65536 bytes that a reader takes";
  const written = () => encodeToken({ ...TOKEN, env: "x".repeat(65_536) });
  expect(written).toThrow(expect.objectContaining({ message: large, hint: LOOK }));
});
