import { assert, constantFrom, nat, property, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalFault } from "../../../src/canonical-json.ts";
import { parseArgv } from "../../../src/cli/command/parse-argv.ts";
import { generatePassphrase } from "../../../src/cli/inputs/generated-passphrase.ts";
import { META_FLAG, metaOf } from "../../../src/cli/inputs/meta-flag.ts";
import { durationFlag, parseDuration } from "../../../src/cli/inputs/time-flags.ts";
import { csvRecord } from "../../../src/cli/terminal/layout.ts";
import { InputError } from "../../../src/errors.ts";
import { anyText, sampled } from "../../support/samples.ts";

const DECLARATION = {
  id: "rotate-passphrase",
  flags: { ...META_FLAG, grace: durationFlag("grace", { from: "1s", to: "90d" }, { description: "" }) },
  args: {},
  takesCommandLine: false,
};

async function flagsOf(...argv: string[]): Promise<{ meta?: readonly (readonly [string, string])[]; grace?: number }> {
  return (await parseArgv(argv, DECLARATION)).flags;
}

async function refusalOf(...argv: string[]): Promise<string> {
  const error: unknown = await flagsOf(...argv).then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw error;
  return `${error.message} ${error.hint ?? ""}`;
}

describe("durations", () => {
  test.each([
    ["90s", 90_000],
    ["30m", 1_800_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
    ["007d", 604_800_000],
  ])("%s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    "24",
    "h",
    "1.5h",
    "-1h",
    "+1h",
    "1 h",
    " 1h",
    "1h ",
    "1H",
    "1w",
    "1h30m",
    "1h\n",
    "1e3s",
    "٣h",
    "1234567890s",
  ])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test("accepts any number of any unit, and nothing else", () => {
    const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
    const unit = constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
    assert(
      property(tuple(nat(999_999_999), unit), ([count, of]) => parseDuration(`${count}${of}`) === count * units[of]),
      sampled(200),
    );
    assert(
      property(anyText(), (text) => /^\d{1,9}[smhd]$/.test(text) || parseDuration(text) === null),
      sampled(200),
    );
  });

  test("are bounded, and the error does not repeat what was typed", async () => {
    expect((await flagsOf("--grace=1s")).grace).toBe(1_000);
    expect((await flagsOf("--grace", "90d")).grace).toBe(90 * 86_400_000);
    for (const text of ["0s", "91d", "hunter2"]) {
      const refusal = await refusalOf(`--grace=${text}`);
      expect(refusal).toBe("--grace must be a duration from 1s to 90d write it as in 90s, 30m, 24h or 7d");
    }
  });
});

describe("--meta", () => {
  test("both spellings, any number of times, values as they are", async () => {
    const { meta } = await flagsOf("--meta", "ticket=OPS-7", "--meta=why=a=b = c", "--meta=a.b_c-9=");
    expect(JSON.stringify(metaOf(meta))).toBe('{"ticket":"OPS-7","why":"a=b = c","a.b_c-9":""}');
    expect(metaOf(undefined)).toEqual({});
  });

  test.each(["", "=", "=v", "hunter2", "Ticket=1", "9=1", "_a=1", "a b=1", "ä=1", "__proto__=1", "a\n=1"])(
    "%j is refused, and not quoted",
    async (text) => {
      const refusal = await refusalOf(`--meta=${text}`);
      expect(refusal).toMatch(/^--meta must be <key>=<value>/);
      if (text.length > 2) expect(refusal).not.toContain(text);
    },
  );

  test.each(["event", "gen", "prev_gen", "capabilities", "gateway", "not_after"])("%s is vsync's own", async (key) => {
    expect(await refusalOf(`--meta=${key}=1`)).toMatch(new RegExp(`^--meta ${key} is a key that vsync writes itself`));
  });

  test("accepted values can be written", async () => {
    const texts: string[] = [];
    assert(
      property(anyText(), anyText(), (key, value) => void texts.push(`${key}=${value}`, `k${texts.length}=${value}`)),
      sampled(100),
    );
    let taken = 0;
    for (const text of texts) {
      const { meta } = await flagsOf(`--meta=${text}`).catch((error: unknown) => {
        if (error instanceof InputError) return { meta: undefined };
        throw error;
      });
      if (meta === undefined) continue;
      taken += 1;
      expect(Object.keys(metaOf(meta))[0]).toMatch(/^[a-z][a-z0-9_.-]*$/);
      expect(canonicalFault(metaOf(meta))).toBeNull();
    }
    expect(taken).toBeGreaterThanOrEqual(texts.length / 2);
  });

  test("a key twice", () => {
    expect(() =>
      metaOf([
        ["a", "1"],
        ["b", "1"],
        ["a", "2"],
      ]),
    ).toThrow("--meta a is given twice");
  });
});

describe("generated passphrases", () => {
  const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

  test("28 symbols of an alphabet of 32 without look-alikes, in groups: 140 bits", () => {
    expect(new Set(ALPHABET).size).toBe(32);
    assert(
      property(uint8Array({ minLength: 28, maxLength: 28 }), (drawn) => {
        const expected = [...drawn]
          .map((byte) => ALPHABET[byte % 32])
          .join("")
          .match(/.{4}/g)
          ?.join("-");
        const random = { bytes: (length: number) => drawn.slice(0, length) };
        return generatePassphrase(random).exposeText() === expected;
      }),
      sampled(100),
    );
  });

  test("zeroes the random bytes", () => {
    const drawn = new Uint8Array(28).fill(7);
    generatePassphrase({ bytes: () => drawn });
    expect(drawn).toEqual(new Uint8Array(28));
  });
});

test("a CSV record with any content reads back", () => {
  const read = (record: string): string[] => {
    const fields = record.match(/(?<=^|,)("(?:[^"]|"")*"|[^,"]*)(?=,|$)/g) ?? [];
    return fields.map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
  };
  assert(
    property(
      tuple(anyText(), anyText(), anyText()),
      (fields) => JSON.stringify(read(csvRecord(fields))) === JSON.stringify(fields),
    ),
    sampled(200),
  );
});
