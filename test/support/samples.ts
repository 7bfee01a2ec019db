import fc from "fast-check";

/** Every run uses the same samples. `VSYNC_FUZZ_SEED` draws others, `VSYNC_FUZZ_TIMES` more or fewer. */
const SEED = Number(process.env["VSYNC_FUZZ_SEED"] ?? 20260101);
const TIMES = Number(process.env["VSYNC_FUZZ_TIMES"] ?? 1);

export function sampled<T>(runs: number): fc.Parameters<T> {
  return { seed: SEED, numRuns: Math.ceil(runs * TIMES) };
}

/** Any text without unpaired surrogates, like fast-check's unit `binary`, which first spends a second on a table. */
export function anyText(limits: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const unit = fc.integer({ min: 0, max: 0x10_ff_ff - SURROGATES }).map(characterAt, indexOf);
  return fc.string({ unit, ...limits });
}

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

const characterAt = (index: number): string =>
  String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES);

/** With it, fast-check also draws names such as `__proto__`. */
function indexOf(text: unknown): number {
  const code = String(text).codePointAt(0) ?? -1;
  const index = code < FIRST_SURROGATE ? code : code - SURROGATES;
  if (code === -1 || characterAt(index) !== text) throw new TypeError("not one character");
  return index;
}

/** Texts with up to three edits: characters inserted, replaced, dropped or doubled, or an end cut off. */
export function mutatedText(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const unit = fc.oneof(
    fc.constantFrom(...'{}[]":,\\0123456789-.eE \n\u2028é\ud800'),
    fc.string({ minLength: 1, maxLength: 1 }),
  );
  return fc
    .tuple(texts, fc.array(fc.tuple(fc.nat(), edits(unit)), { minLength: 1, maxLength: 3 }))
    .map(([text, steps]) => steps.reduce((now, [at, edit]) => edit(now, at % (now.length + 1)), text));
}

type Edit = (text: string, at: number) => string;

function edits(unit: fc.Arbitrary<string>): fc.Arbitrary<Edit> {
  const few = fc.nat({ max: 8 });
  return fc.oneof<fc.Arbitrary<Edit>[]>(
    fc.tuple(unit, fc.nat({ max: 1 })).map(
      ([put, cut]) =>
        (text, at) =>
          text.slice(0, at) + put + text.slice(at + cut),
    ),
    few.map((cut) => (text, at) => text.slice(0, at) + text.slice(at + cut)),
    few.map((twice) => (text, at) => text.slice(0, at + twice) + text.slice(at)),
    fc.constant<Edit>((text, at) => text.slice(0, at)),
    fc.constant<Edit>((text, at) => text.slice(at)),
  );
}

type ByteEdit = (now: Buffer, at: number) => Buffer;

/** Bytes with a few of them flipped, dropped, doubled, cut off or added. */
export function mutatedBytes(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.oneof<fc.Arbitrary<ByteEdit>[]>(
    fc.integer({ min: 1, max: 255 }).map((by) => (now: Buffer, at: number) => flipped(now, at, by)),
    fc.uint8Array({ minLength: 1, maxLength: 4 }).map((put) => (now: Buffer, at: number) => spliced(now, at, 0, put)),
    fc.nat({ max: 40 }).map((cut) => (now: Buffer, at: number) => spliced(now, at, cut, new Uint8Array())),
    fc.nat({ max: 40 }).map((twice) => (now: Buffer, at: number) => spliced(now, at, 0, now.subarray(at, at + twice))),
    fc.constant((now: Buffer, at: number) => now.subarray(0, at)),
  );
  return fc
    .array(fc.tuple(fc.nat(), edit), { minLength: 1, maxLength: 3 })
    .map((steps) =>
      steps.reduce<Buffer>((now, [at, change]) => change(now, at % (now.length + 1)), Buffer.from(bytes)),
    );
}

function flipped(bytes: Buffer, at: number, by: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
}

function spliced(bytes: Buffer, at: number, cut: number, put: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
}

/** A JSON value with one of its members, at any depth, dropped, doubled under another name, or given another value. */
export function mutatedJson(value: unknown): fc.Arbitrary<unknown> {
  const other = fc.oneof(
    fc.constantFrom<unknown>(null, true, 0, 1, -1, 1.5, 2 ** 53 - 1, 2 ** 53, "", "AAAA", "argon2id", [], {}),
    fc.string(),
    fc.nat(),
  );
  return fc
    .tuple(fc.constantFrom(...pathsOf(value)), fc.constantFrom("drop", "add", "set"), other)
    .map(([path, change, put]) => changed(value, path, change, put));
}

function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsOf(inner).map((rest) => [key, ...rest])]);
}

function changed(value: unknown, [key = "", ...rest]: readonly string[], change: string, put: unknown): unknown {
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const members = copy as Record<string, unknown>;
  if (rest.length > 0) members[key] = changed(members[key], rest, change, put);
  else if (change === "set") members[key] = put;
  else if (change === "add") members[Array.isArray(copy) ? copy.length : `${key}_`] = put;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete members[key];
  return copy;
}
