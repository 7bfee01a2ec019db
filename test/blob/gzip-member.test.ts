import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readGzipMember, writeGzipMember } from "../../src/blob/gzip-member.ts";

const CONTENT = Buffer.from("what is in it, what is in it");
const LIMIT = 1024;
const [HCRC, EXTRA, NAME, COMMENT] = [0x02, 0x04, 0x08, 0x10];
/** The bytes that each flag adds to the header, in the order of RFC 1952 §2.3. */
const FIELDS: readonly (readonly [number, Buffer])[] = [
  [EXTRA, Buffer.concat([Buffer.from([4, 2]), Buffer.alloc(516, 7)])],
  [NAME, Buffer.from("a name\0")],
  [COMMENT, Buffer.from("a comment\0")],
  [HCRC, Buffer.from([0, 0])],
];

function member(flags: number, changes: { crc?: number; size?: number; after?: Buffer } = {}): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(changes.crc ?? crc32(CONTENT), 0);
  trailer.writeUInt32LE(changes.size ?? CONTENT.length, 4);
  const fields = FIELDS.filter(([flag]) => (flags & flag) !== 0).map(([, bytes]) => bytes);
  return Buffer.concat([header, ...fields, deflateRawSync(CONTENT), trailer, changes.after ?? Buffer.alloc(0)]);
}

const read = (bytes: Uint8Array): Buffer => Buffer.from(readGzipMember(bytes, LIMIT));

test("has the same bytes on every machine", () => {
  const written = Buffer.from(writeGzipMember(CONTENT));
  expect(written.subarray(0, 10).toString("hex")).toBe("1f8b0800000000000003");
  expect(read(written)).toEqual(CONTENT);
});

describe("skips every optional field of a header", () => {
  test.each([0, HCRC, EXTRA, NAME, COMMENT, 1, EXTRA | NAME, NAME | COMMENT | HCRC, HCRC | EXTRA | NAME | COMMENT | 1])(
    "flags %i",
    (flags) => {
      expect(read(member(flags))).toEqual(CONTENT);
    },
  );
});

describe("is refused", () => {
  const sound = member(0);
  const altered = (at: number, to: number) => Buffer.from(sound.map((byte, index) => (index === at ? to : byte)));
  test.each<[string, Buffer, string]>([
    ["nothing", Buffer.alloc(0), "not gzip"],
    ["another first byte", altered(0, 0x1e), "not gzip"],
    ["another second byte", altered(1, 0x8c), "not gzip"],
    ["another method", altered(2, 7), "not gzip"],
    ["three bytes", sound.subarray(0, 3), "not gzip"],
    ...[0x20, 0x40, 0x80].map((flag): [string, Buffer, string] => [
      `reserved flag ${flag}`,
      altered(3, flag),
      "not gzip",
    ]),
    ["a header alone", sound.subarray(0, 10), "not a whole gzip member"],
    [
      "a name without an end",
      Buffer.concat([altered(3, NAME).subarray(0, 10), Buffer.alloc(20, 65)]),
      "not a whole gzip member",
    ],
    [
      "an extra field beyond the end",
      Buffer.concat([altered(3, EXTRA).subarray(0, 10), Buffer.from([255, 255])]),
      "not a whole gzip member",
    ],
    ["an extra field of no length", altered(3, EXTRA).subarray(0, 10), "not a whole gzip member"],
    ["a stream that ends early", sound.subarray(0, 14), "not a whole gzip member"],
    ["no trailer", sound.subarray(0, -8), "not exactly one gzip member"],
    ["a trailer that is cut", sound.subarray(0, -1), "not exactly one gzip member"],
    ["a byte after it", member(0, { after: Buffer.from([0]) }), "not exactly one gzip member"],
    ["a second member", member(0, { after: sound }), "not exactly one gzip member"],
    ["another check value", member(0, { crc: 1 }), "gzip check value does not match"],
    ["another length", member(0, { size: CONTENT.length + 1 }), "gzip check value does not match"],
  ])("%s", (_what, bytes, fault) => {
    expect(() => read(bytes)).toThrow(new RangeError(fault));
  });

  test("one byte more than the limit", () => {
    expect(readGzipMember(gzipSync(Buffer.alloc(LIMIT)), LIMIT)).toHaveLength(LIMIT);
    expect(() => readGzipMember(gzipSync(Buffer.alloc(LIMIT + 1)), LIMIT)).toThrow(
      new RangeError(`inflates to more than ${LIMIT} bytes`),
    );
  });
});
