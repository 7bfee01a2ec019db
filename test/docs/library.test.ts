import { describe, expect, test } from "vitest";
import * as library from "../../src/runtime/index.ts";
import { readPage } from "./page.ts";

const PAGE = await readPage("docs/library.md");

/** The cells of each row of a section's table, without the header. */
function tableOf(heading: string): string[][] {
  const [, section = ""] = PAGE.split(`## ${heading}\n`);
  const lines = section.split(/^## /m)[0]?.split("\n") ?? [];
  const rows = lines.filter((line) => line.startsWith("| ")).map((line) => line.slice(2, -2).split(" | "));
  return rows.slice(1);
}

const wordsIn = (cell = ""): string[] => [...cell.matchAll(/`([A-Za-z0-9_]+)/g)].map(([, word = ""]) => word);

describe("docs/library.md", () => {
  test("has every error class and its code", () => {
    const {
      Vsync: _,
      TokenRefusedError: _abstract,
      VsyncError,
      AuditBrokenError,
      GrantInvalidError,
      ...others
    } = library;
    const simple = Object.values(others).map((Class) => new Class("it", { hint: "" }));
    const errors = [...simple, new AuditBrokenError(1, "it"), new GrantInvalidError("grants[0]", "it")];
    expect(errors.every((error) => error instanceof VsyncError)).toBe(true);
    const written = tableOf("Errors").map(([name, code]) => [...wordsIn(name), ...wordsIn(code)].join(" "));
    expect(written.toSorted()).toEqual(errors.map(({ name, code }) => `${name} ${code}`).toSorted());
  });

  test("has every member of a handle", () => {
    const written = tableOf("What a handle answers").flatMap(([names]) => wordsIn(names));
    const own = Object.getOwnPropertyNames(library.Vsync.prototype);
    const printing = ["constructor", "toString", "toJSON"];
    const secondArguments = ["name"];
    expect(written.filter((word) => !secondArguments.includes(word)).toSorted()).toEqual(
      own.filter((name) => !printing.includes(name)).toSorted(),
    );
  });

  test.each(["config", "token", "passphrase", "env", "defaults", "timeoutMs", "signal", "logger", "cache", "maxAge"])(
    "has the option %s",
    (option) => {
      expect(tableOf("Options").flatMap(([names]) => wordsIn(names))).toContain(option);
    },
  );
});
