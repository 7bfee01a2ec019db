import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeToken,
  encodeToken,
  knownFields,
  type RuntimeToken,
  TOKEN_ENVELOPE,
  TOKEN_FIELDS,
  tokenFault,
  tokenJson,
} from "../../src/blob/token.ts";
import { ConfigInvalidError, ConfigMissingError, ConfigUnsupportedVersionError, InputError } from "../../src/errors.ts";
import { anyText, sampled } from "../support/samples.ts";

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

const shortText = anyText({ maxLength: 30 });
const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const segment = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/).filter((name) => name !== "." && name !== "..");
const common = {
  v: fc.constant(1 as const),
  endpoint: fc.constantFrom("https://s3.example.com", "http://[::1]:9000", "file:///var/lib/vsync", "https://h/p%20q"),
  region: shortText,
  bucket: shortText,
  prefix: fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `${segments.join("/")}/`),
  env: shortText,
  salt: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  iterations: positive,
  kdf: fc.constant("argon2id" as const),
  memoryKiB: positive,
  parallelism: positive,
  vault: shortText,
  minGen: fc.maxSafeNat(),
  anchor: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("base64")),
};
const REQUIRED = ["v", "endpoint", "region", "bucket", "prefix", "env", "salt", "iterations"] as const;
const keyed = fc.record(
  { ...common, accessKeyId: shortText, secretAccessKey: shortText, sessionToken: shortText },
  { requiredKeys: [...REQUIRED, "accessKeyId", "secretAccessKey"] },
);
const ambient = fc.record(
  { ...common, credentials: fc.constant("ambient" as const) },
  { requiredKeys: [...REQUIRED, "credentials"] },
);
const scoped = fc.record(
  {
    ...common,
    credentials: fc.constant("ambient" as const),
    token: fc.constant("vsrt_live_bkxsuREcn_Mv9Hft96G6eTzEKrmjB0psad23uZWubJMLublC"),
  },
  { requiredKeys: [...REQUIRED, "credentials", "anchor", "token"] },
);
const tokens: fc.Arbitrary<RuntimeToken> = fc.oneof(keyed, ambient, scoped);

/** The fields, or null if the token is refused with one of its three errors, which must not quote it. */
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
  test("decoding gives the encoded fields, and encoding them again gives the same token", () => {
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

  test("writes fields in the format's order", () => {
    const reversed = Object.fromEntries(Object.entries(EXAMPLE).toReversed()) as unknown as RuntimeToken;
    expect(encodeToken(reversed)).toBe(encodeToken(EXAMPLE));
    const names = TOKEN_FIELDS.filter((name) => name in EXAMPLE);
    expect(Object.keys(JSON.parse(tokenJson(reversed)))).toEqual(names);
  });

  test("every token starts alike on every machine", () => {
    fc.assert(
      fc.property(tokens, (token) => encodeToken(token).startsWith("vsync-cfg-v1:H4sIAAAAAAAAA")),
      sampled(200),
    );
  });

  test("refuses to write a token of more than 64 KiB", () => {
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

  test("at every position: the same fields or a refusal", () => {
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
    // Readers ignore the gzip header, which tells when and where a member was made.
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
  test("several gzip members, and bytes after one", () => {
    const member = gzipSync(tokenJson(EXAMPLE));
    expect(decodeToken(envelope(member))).toEqual(EXAMPLE);
    for (const more of [member, gzipSync(""), Uint8Array.of(0)]) {
      expect(decodedOrRefused(envelope(Buffer.concat([member, more])))).toBeNull();
    }
  });

  test("inflating a bomb stops at 64 KiB", () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    expect(() => decodeToken(envelope(bomb))).toThrow("inflates to more than 65536 bytes");
  });
});

const FIELDS = {
  v: 1,
  endpoint: "https://s3.example.com",
  region: "eu-central-1",
  bucket: "secrets",
  accessKeyId: "AKIA",
  secretAccessKey: "secret",
  prefix: "api/prod/",
  env: "prod",
  salt: "AAEC",
  iterations: 1,
} as const;
const { accessKeyId: _id, secretAccessKey: _key, ...KEYLESS } = FIELDS;

test.each<[object, string | null]>([
  [{}, null],
  [{ sessionToken: "t", kdf: "argon2id", memoryKiB: 1, parallelism: 1, vault: "v", minGen: 0 }, null],
  [{ iterations: Number.MAX_SAFE_INTEGER, minGen: Number.MAX_SAFE_INTEGER }, null],
  [{ sessionToken: undefined, credentials: undefined }, null],
  [{ region: undefined }, "region is missing"],
  [{ accessKeyId: undefined }, "accessKeyId is missing"],
  [{ secretAccessKey: undefined }, "secretAccessKey is missing"],
  [{ endpoint: undefined, salt: undefined }, "endpoint is missing"],
  [{ v: 2 }, "v must be 1"],
  [{ v: "1" }, "v must be 1"],
  [{ region: 1 }, "region must be a string"],
  [{ sessionToken: null }, "sessionToken must be a string"],
  [{ endpoint: 1 }, "endpoint must be a string"],
  [{ endpoint: "ftp://x" }, "endpoint must start with https://, http:// or file:///"],
  [{ prefix: "api" }, "prefix must end in /"],
  [{ salt: "AAE" }, "salt must be base64"],
  [{ salt: "_-8=" }, "salt must be base64"],
  [{ iterations: 0 }, "iterations must be an integer ≥ 1"],
  [{ iterations: 1.5 }, "iterations must be an integer ≥ 1"],
  [{ iterations: "1" }, "iterations must be an integer ≥ 1"],
  [{ iterations: 2 ** 53 }, "iterations must be an integer ≥ 1"],
  [{ memoryKiB: 0 }, "memoryKiB must be an integer ≥ 1"],
  [{ parallelism: 0 }, "parallelism must be an integer ≥ 1"],
  [{ minGen: -1 }, "minGen must be an integer ≥ 0"],
  [{ kdf: "scrypt" }, 'kdf must be "argon2id"'],
  [{ credentials: "chain" }, 'credentials must be "ambient"'],
  [{ credentials: "ambient" }, "accessKeyId must be absent with ambient credentials"],
  [{ credentials: "ambient", accessKeyId: undefined }, "secretAccessKey must be absent with ambient credentials"],
  [
    { credentials: "ambient", accessKeyId: undefined, secretAccessKey: undefined, sessionToken: "t" },
    "sessionToken must be absent with ambient credentials",
  ],
])("with %j: %s", (changes, fault) => {
  expect(tokenFault({ ...FIELDS, ...changes })).toBe(fault);
});

test("ambient credentials exclude keys", () => {
  expect(tokenFault({ ...KEYLESS, credentials: "ambient" })).toBeNull();
  expect(tokenFault(KEYLESS)).toBe("accessKeyId is missing");
});

test("drops unknown fields and ignores inherited ones", () => {
  const given: Record<string, unknown> = Object.assign(Object.create({ vault: "inherited" }), { ...FIELDS, extra: 1 });
  expect(knownFields(given)).toEqual(FIELDS);
});

const MINT = "mint a new one with `vsync runtime-token` and set it without changing it";
const UPGRADE = "upgrade vsync in this app, or mint the token with the app's version of vsync";
const LOOK = "check the flags, and the config: `vsync status` says where it is";
const AMBIENT: RuntimeToken = { ...KEYLESS, credentials: "ambient" };

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

test.each([
  [(token: string) => `'${token}'`, "is in quotes"],
  [(token: string) => `VSYNC_CONFIG=${token}`, "begins with a variable's name, as in a dotenv file"],
  [(token: string) => `${token}\n`, "ends in a line end"],
  [(token: string) => `\ufeff${token}`, "begins with a BOM (byte order mark)"],
  [(token: string) => `${token.slice(0, 80)}\r\n${token.slice(80)}`, "has several lines"],
  [(token: string) => `${token.slice(0, 80)} ${token.slice(80)}`, "has white space in it"],
  [(token: string) => `${token}${token}`, "holds the token twice"],
  [(token: string) => `${token}\n${token}\n`, "ends in a line end and has several lines and holds the token twice"],
  [() => Buffer.from("vsync-cfg-v1:AAAAAA").toString("base64"), "looks like base64"],
  [() => "vsrt_live_abc", "is a scoped token, which belongs in VSYNC_TOKEN"],
  [() => "/run/secrets/vsync", "is a path, which belongs in VSYNC_CONFIG_FILE"],
  [() => "${VSYNC_CONFIG}", "is a variable or command that no shell has replaced"],
])("the hint says what looks odd: %s, %s", (change, oddity) => {
  const printed = "`vsync runtime-token` or `vsync tokens create` printed";
  const hint = `what you gave ${oddity}; set it to exactly what ${printed}`;
  expect(() => decodeToken(change(encodeToken(AMBIENT)))).toThrow(expect.objectContaining({ hint }));
});

test("the error for a bad field says where to look", () => {
  const message = "runtime token: prefix must end in /";
  expect(() => encodeToken({ ...AMBIENT, prefix: "api" })).toThrow(expect.objectContaining({ message, hint: LOOK }));
  const large = "runtime token: its fields are larger than the 65536 bytes that readers accept";
  const written = () => encodeToken({ ...AMBIENT, env: "x".repeat(65_536) });
  expect(written).toThrow(expect.objectContaining({ message: large, hint: LOOK }));
});
