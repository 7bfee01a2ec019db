import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  FIRST_PASSPHRASE,
  OLD_PASSPHRASE,
  PASSPHRASE,
  readSecret,
  type SecretInput,
} from "../../../src/cli/inputs/secret-input.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import type { Prompter } from "../../../src/cli/terminal/prompter.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import { Secret } from "../../../src/crypto/secret.ts";

const hint =
  "give it with --passphrase-file=<file> (- is stdin), VSYNC_PASSPHRASE_FILE, VSYNC_PASSPHRASE or VSYNC_PASSPHRASE_COMMAND, or run this on a terminal";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vsync-secret-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string, mode = 0o600): string {
  writeFileSync(join(folder, name), text, { mode });
  return join(folder, name);
}

interface Given {
  readonly variables?: Record<string, string>;
  readonly stdin?: string | Uint8Array;
  /** What a person types, answer by answer. Without it, there is no terminal. */
  readonly typed?: string[];
}

function sourcesOf({ variables = {}, stdin, typed }: Given) {
  const said: string[] = [];
  const sink = { write: (text: string | Uint8Array) => void said.push(String(text)) };
  const secret = async (question: string) => {
    said.push(`${question}\n`);
    return Secret.ofText(typed?.shift() ?? expect.unreachable(question));
  };
  const prompter = { isInteractive: typed !== undefined, secret } as unknown as Prompter;
  const input = new Stdin(
    () => Readable.from([Buffer.from(stdin ?? "")]),
    () => stdin === undefined,
  );
  return { said, sources: { variables, stdin: input, prompter, output: new Output(sink, sink, {}) } };
}

async function read(given: Given, file?: string, input: SecretInput = PASSPHRASE) {
  const { said, sources } = sourcesOf(given);
  const text = (await readSecret(input, file, sources)).exposeText();
  return { text, said: said.join("") };
}

const refused = (message: string, how: unknown = hint) =>
  expect.objectContaining({ code: "INPUT", message, hint: how });

describe("without a terminal", () => {
  test("the flag's file wins over the variable's file, and that over the variable, which is verbatim", async () => {
    const variables = { VSYNC_PASSPHRASE: " third ", VSYNC_PASSPHRASE_FILE: write("two", "second\n") };
    expect((await read({ variables }, write("one", "first\n"))).text).toBe("first");
    expect((await read({ variables })).text).toBe("second");
    expect((await read({ variables: { ...variables, VSYNC_PASSPHRASE_FILE: "" } })).text).toBe(" third ");
  });

  test("- is stdin, for one purpose", async () => {
    const { sources } = sourcesOf({ stdin: "piped \n" });
    expect((await readSecret(PASSPHRASE, "-", sources)).exposeText()).toBe("piped");
    expect((await readSecret(PASSPHRASE, "-", sources)).exposeText()).toBe("piped");
    await expect(readSecret(OLD_PASSPHRASE, "-", sources)).rejects.toThrow("cannot both be read from stdin");
    await expect(read({ typed: [] }, "-")).rejects.toThrow("--passphrase-file reads stdin, which is a terminal");
  });

  test("does not wait, and names every way to give it", async () => {
    await expect(read({})).rejects.toThrow(refused("missing the passphrase"));
    const empty = { variables: { VSYNC_PASSPHRASE: "" } };
    await expect(read(empty, undefined, FIRST_PASSPHRASE)).rejects.toThrow(
      refused("missing the passphrase: VSYNC_PASSPHRASE is set, but empty"),
    );
  });

  test("a new one has at least 12 characters, from any source", async () => {
    const short = refused("the passphrase is shorter than 12 characters");
    await expect(read({}, write("new", "eleven char\n"), FIRST_PASSPHRASE)).rejects.toThrow(short);
    const set = (text: string) => read({ variables: { VSYNC_PASSPHRASE: text } }, undefined, FIRST_PASSPHRASE);
    await expect(set("🎉🎉🎉🎉🎉🎉")).rejects.toThrow(short);
    expect((await set("twelve chars")).text).toBe("twelve chars");
    expect((await read({ variables: { VSYNC_PASSPHRASE: "short" } })).text).toBe("short");
  });

  test("stdin that is empty, not text, or larger than 1 MiB is refused", async () => {
    await expect(read({ stdin: "\n" }, "-")).rejects.toThrow(refused("the passphrase is empty"));
    const notText = refused("the passphrase on stdin is not UTF-8 text");
    await expect(read({ stdin: Uint8Array.of(0xff) }, "-")).rejects.toThrow(notText);
    const large = refused("--passphrase-file: stdin holds more than 1048576 bytes", "check what you pipe in");
    await expect(read({ stdin: "x".repeat(1024 * 1024 + 1) }, "-")).rejects.toThrow(large);
  });

  test("a missing file is named, unless its path may be the secret itself", async () => {
    const path = join(folder, "none");
    const how = "put the passphrase into a file of mode 0600, and name that file";
    const message = `the file that --passphrase-file names, ${path}, does not exist`;
    await expect(read({}, path)).rejects.toThrow(refused(message, how));
    const variables = { VSYNC_PASSPHRASE_FILE: "hunter2hunter2" };
    const unnamed = refused("the file that VSYNC_PASSPHRASE_FILE names does not exist", how);
    await expect(read({ variables })).rejects.toThrow(unnamed);
  });

  test("a file that others can read is taken with a warning, one that others can change is refused", async () => {
    const path = write("open", "hunter2", 0o644);
    const remedy = "is open to other users (mode 0644): make it readable only by you (chmod 600)";
    const said = `vsync: warning: the file that --passphrase-file names, ${path}, ${remedy}\n`;
    expect(await read({}, path)).toEqual({ text: "hunter2", said });
    chmodSync(path, 0o666);
    await expect(read({}, path)).rejects.toThrow(/can be changed by every user.*\(mode 0666\)/);
  });
});

describe("on a terminal", () => {
  const OFFER = "press Enter to generate a new passphrase\n";
  const NEW = "New passphrase:\n";
  const CONFIRM = "Confirm new passphrase:\n";

  test("asks once for a secret, and twice for a new one", async () => {
    expect(await read({ typed: ["short"] })).toEqual({ text: "short", said: "Passphrase:\n" });
    const typed = ["twelve chars", "twelve chars"];
    expect(await read({ typed }, undefined, FIRST_PASSPHRASE)).toEqual({
      text: "twelve chars",
      said: OFFER + NEW + CONFIRM,
    });
  });

  test("a mismatch or a short one is asked for again, up to three times", async () => {
    const mistyped = ["twelve chars", "twelve chairs"];
    const typed = ["short", ...mistyped, ...mistyped, ...mistyped];
    const { said, sources } = sourcesOf({ typed });
    const refusal = refused("the passphrase was not the same both times");
    await expect(readSecret(FIRST_PASSPHRASE, undefined, sources)).rejects.toThrow(refusal);
    const again = (fault: string) => `the passphrase ${fault}: try again\n`;
    expect(said.join("").replace(OFFER, "")).toBe(
      `${NEW}${again("is shorter than 12 characters")}${(NEW + CONFIRM + again("was not the same both times")).repeat(2)}${NEW}${CONFIRM}`,
    );
  });
});
