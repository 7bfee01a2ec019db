import { describe, expect, test } from "vitest";
import { oddityOf, settleDoubts } from "../../../../src/cli/items/dotenv/doubts.ts";
import { Output } from "../../../../src/cli/terminal/output.ts";
import { Secret } from "../../../../src/crypto/secret.ts";

describe("an odd value is pointed out", () => {
  test.each<[string | null, readonly string[]]>([
    ["begins with a byte order mark", ["\ufeffx"]],
    ["begins with its own name", ["K=x"]],
    ["is a reference that 1Password resolves", ["op://prod/db/password"]],
    ["is a reference, not a value", ["ref+vault://a/b#/c", "@Microsoft.KeyVault(SecretUri=x)", "${{ secrets.X }}"]],
    ["is a placeholder, not a value", ["null", "undefined", "***", "[REDACTED]", "(sensitive value)"]],
    ["has carriage returns", ["a\r\nb\r\n"]],
    ["has a control character", ["\u001b[32mx\u001b[0m"]],
    ["is in quotes", ['"x"', "'x y'", "“x”", "„x“"]],
    ["begins with white space", [" x", "\u00a0x", "\nx"]],
    ["ends in a line end", ["x\n", "x\r\n", "x\n\n"]],
    ["ends in white space", ["x ", "x\t", "x\u00a0"]],
    ["has an invisible character", ["x\u200b", "x\u00ady", "a\ufeffb"]],
    [null, ["", "x", "a b", '"a" "', "a\nb\n", "  a:\n    b\n", "k=x", "it's", "👩\u200d💻"]],
  ])("%s", (oddity, texts) => {
    expect(texts.map((text) => oddityOf("K", text))).toEqual(texts.map(() => oddity));
  });
});

test.each(["VSYNC_PASSPHRASE", "VSYNC_OTHER_PASSPHRASE", "VSYNC_TOKEN", "VSYNC_SECRET_KEY"])("%s is named", (name) => {
  expect([oddityOf(name, "x"), oddityOf(`${name}_FILE`, "x")]).toEqual(["opens a vault itself", null]);
});

test("only new values are doubted; names that differ only in case cause a warning", () => {
  let text = "";
  const sink = { write: (line: string | Uint8Array) => (text += String(line)) };
  const items = ["A", "B", "Key"].map((name) => ({ name, kind: "secret", data: Secret.ofText(" planted") }) as const);
  const changes = { added: ["A", "Key"], changed: [], removed: ["a"], unchanged: ["B", "KEY"] };
  settleDoubts({ items, doubts: [] }, changes, {}, new Output(sink, sink, {}));
  expect(text.split("\n")).toEqual([
    "vsync: warning: Key and KEY differ only in case: Windows takes both for one",
    "vsync: warning: these values may not be what you meant: A (begins with white space), Key (begins with white space); " +
      "each is stored as given; `vsync set` replaces one",
    "",
  ]);
});
