import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeToken,
  encodeToken,
  type RuntimeToken,
  TOKEN_ENVELOPE,
  TOKEN_FIELDS,
  tokenJson,
} from "../../src/blob/token.ts";
import { ConfigInvalidError, ConfigMissingError, ConfigUnsupportedVersionError, InputError } from "../../src/errors.ts";
import { mutatedJson, mutatedText } from "../vault/mutation.ts";
import { sampled } from "../vault/property.ts";

const REFUSALS = [ConfigMissingError, ConfigInvalidError, ConfigUnsupportedVersionError];
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EXAMPLE: RuntimeToken = {
  v: 1,
  endpoint: "https://s3.eu-central-1.example.com",
  region: "eu-central-1",
  bucket: "secrets",
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: SECRET,
  prefix: "api/prod/",
  env: "prod",
  salt: "AcL7WV0Ez0KLXHi5aO42qw==",
  iterations: 3,
  kdf: "argon2id",
  memoryKiB: 65536,
  parallelism: 4,
  vault: "ebZZ_u1Tt9qEMO7oDlQ7Kw",
  minGen: 4,
};

const text = fc.string({ unit: "binary", maxLength: 30 });
const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const segment = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/).filter((name) => name !== "." && name !== "..");
const common = {
  v: fc.constant(1 as const),
  endpoint: fc.constantFrom("https://s3.example.com", "http://[::1]:9000", "file:///var/lib/vsync", "https://h/p%20q"),
  region: text,
  bucket: text,
  prefix: fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `${segments.join("/")}/`),
  env: text,
  salt: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  iterations: positive,
  kdf: fc.constant("argon2id" as const),
  memoryKiB: positive,
  parallelism: positive,
  vault: text,
  minGen: fc.maxSafeNat(),
};
const REQUIRED = ["v", "endpoint", "region", "bucket", "prefix", "env", "salt", "iterations"] as const;
const keyed = fc.record(
  { ...common, accessKeyId: text, secretAccessKey: text, sessionToken: text },
  { requiredKeys: [...REQUIRED, "accessKeyId", "secretAccessKey"] },
);
const ambient = fc.record(
  { ...common, credentials: fc.constant("ambient" as const) },
  { requiredKeys: [...REQUIRED, "credentials"] },
);
const tokens: fc.Arbitrary<RuntimeToken> = fc.oneof(keyed, ambient);

/** The fields, or null where the token is refused in one of its three ways, without a word of what was in it. */
function decodedOrRefused(token: string): RuntimeToken | null {
  try {
    return decodeToken(token);
  } catch (error) {
    expect(REFUSALS.some((refusal) => error instanceof refusal) ? null : error).toBeNull();
    const { message, hint } = error as ConfigInvalidError;
    expect(message + hint).not.toContain(SECRET);
    return null;
  }
}

function envelope(member: Uint8Array): string {
  return TOKEN_ENVELOPE + Buffer.from(member).toString("base64url");
}

describe("round trip", () => {
  test("decode gives what was encoded, and encoding that again gives the same token", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const encoded = encodeToken(token);
        const decoded = decodeToken(encoded);
        expect(decoded).toEqual(token);
        expect(encodeToken(decoded)).toBe(encoded);
      }),
      sampled(1000),
    );
  });

  test("fields in the format's order whatever order they were given in", () => {
    const reversed = Object.fromEntries(Object.entries(EXAMPLE).toReversed()) as unknown as RuntimeToken;
    expect(encodeToken(reversed)).toBe(encodeToken(EXAMPLE));
    const names = TOKEN_FIELDS.filter((name) => name in EXAMPLE);
    expect(Object.keys(JSON.parse(tokenJson(reversed)))).toEqual(names);
  });

  test("every token starts alike, on every machine", () => {
    fc.assert(
      fc.property(tokens, (token) => encodeToken(token).startsWith("vsync-cfg-v1:H4sIAAAAAAAAA")),
      sampled(200),
    );
  });

  test("what encodes also decodes: any other fields are an InputError", () => {
    fc.assert(
      fc.property(mutatedJson(EXAMPLE), (token) => {
        let encoded: string;
        try {
          encoded = encodeToken(token as RuntimeToken);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect((error as InputError).message).not.toContain(SECRET);
          return;
        }
        const known = Object.entries(token as object).filter(([name]) => TOKEN_FIELDS.some((field) => field === name));
        expect(decodeToken(encoded)).toEqual(Object.fromEntries(known));
      }),
      sampled(2000),
    );
  });

  test("a token that would inflate to more than 64 KiB is not written", () => {
    const overhead = tokenJson({ ...EXAMPLE, sessionToken: "" }).length;
    const longest = { ...EXAMPLE, sessionToken: "x".repeat(64 * 1024 - overhead) };
    expect(decodeToken(encodeToken(longest))).toEqual(longest);
    expect(() => encodeToken({ ...longest, env: "prod2" })).toThrow(InputError);
  });
});

describe("one character changed, dropped or added", () => {
  const token = encodeToken(EXAMPLE);
  const others = [..."Ab-= \u00e9"];
  const positions = Array.from({ length: token.length }, (_, at) => at);

  test("at every place: the same fields, or refused", () => {
    const same: number[] = [];
    for (const at of positions) {
      for (const other of others) {
        const changed = [
          token.slice(0, at) + other + token.slice(at + 1),
          token.slice(0, at) + other + token.slice(at),
          token.slice(0, at) + token.slice(at + 1),
        ];
        for (const it of changed.filter((candidate) => candidate !== token)) {
          const decoded = decodedOrRefused(it);
          if (decoded === null) continue;
          expect(decoded).toEqual(EXAMPLE);
          same.push(at);
        }
      }
    }
    // The gzip header says when and where a member was made, which is none of a reader's business.
    const headerEnd = TOKEN_ENVELOPE.length + Math.ceil((10 * 4) / 3);
    expect(same.length).toBeGreaterThan(0);
    expect(Math.max(...same)).toBeLessThan(headerEnd);
  });

  test("cut anywhere", () => {
    for (const at of positions) expect(decodedOrRefused(token.slice(0, at))).toBeNull();
  });

  test("wrapped, quoted, or with white space around it", () => {
    const wrapped = token.replace(/.{64}/g, "$&\n");
    for (const it of [wrapped, `"${token}"`, `'${token}'`, ` ${token}`, `${token}\n`, `${token}=`, `${token}==`]) {
      expect(decodedOrRefused(it)).toBeNull();
    }
  });
});

describe("anything else", () => {
  test("any text, with and without the envelope", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (it) => {
        expect(decodedOrRefused(it)).toBeNull();
        expect(decodedOrRefused(TOKEN_ENVELOPE + it)).toBeNull();
      }),
      sampled(1000),
    );
  });

  test("any bytes, and any bytes that are one gzip member", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodedOrRefused(envelope(bytes))).toBeNull();
        expect(decodedOrRefused(envelope(gzipSync(bytes)))).toBeNull();
      }),
      sampled(1000),
    );
  });

  test("the JSON altered: refused, or no field is of another kind than the format's", () => {
    const altered = fc.oneof(
      mutatedText(fc.constant(tokenJson(EXAMPLE))),
      mutatedJson(EXAMPLE).map((fields) => JSON.stringify(fields)),
    );
    fc.assert(
      fc.property(altered, (json) => {
        const decoded = decodedOrRefused(envelope(gzipSync(json)));
        if (decoded !== null) expect(decodeToken(encodeToken(decoded))).toEqual(decoded);
      }),
      sampled(3000),
    );
  });

  test("members in a row, and bytes after one", () => {
    const member = gzipSync(tokenJson(EXAMPLE));
    expect(decodeToken(envelope(member))).toEqual(EXAMPLE);
    for (const more of [member, gzipSync(""), Uint8Array.of(0)]) {
      expect(decodedOrRefused(envelope(Buffer.concat([member, more])))).toBeNull();
    }
  });

  test("a bomb is left where it grows beyond 64 KiB", () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    expect(() => decodeToken(envelope(bomb))).toThrow("inflates to more than 65536 bytes");
  });
});
