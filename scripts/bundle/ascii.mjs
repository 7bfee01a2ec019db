/** Only ASCII: in a raw template, an escape would not be the same text. */
const RAW = /String\.raw`[^`]*[^\p{ASCII}`]/u;

/**
 * A rolldown plugin that escapes every character beyond ASCII. V8 keeps a file with one beyond Latin-1 in two bytes for each
 * character, and each start decodes and encodes it as UTF-8 to compare it with its compiled code: 18 of 203 million
 * instructions of `runtime-token --no-validate`. After rendering, because rolldown prints plain characters again.
 */
export const ascii = {
  name: "ascii",
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle).filter(({ type }) => type === "chunk")) {
      if (RAW.test(file.code)) throw new Error(`${file.fileName}: a raw template has characters beyond ASCII`);
      file.code = file.code.replaceAll(/[^\p{ASCII}]/gv, escaped);
    }
  },
};

/** One escape for each UTF-16 unit, which strings, templates and regular expressions all read. */
const escaped = (character) =>
  Array.from({ length: character.length }, (_, at) => unitEscape(character.charCodeAt(at))).join("");
const unitEscape = (unit) => `\\u${unit.toString(16).padStart(4, "0")}`;
