import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { wrapMessage } from "../../../src/cli/terminal/layout.ts";
import { openSandbox, type Sandbox } from "../../support/program/sandbox.ts";

describe("a message on a terminal", () => {
  test("ends its lines between words, the first after the head", () => {
    expect(wrapMessage("one two three four", 10, 18)).toBe("one two\n  three four");
    expect(wrapMessage("short", 70, 80)).toBe("short");
    expect(wrapMessage("", 7, 80)).toBe("");
  });

  test.each([
    ["run vsync audit verify --env=prod, which says more", "run\n  vsync audit verify --env=prod,\n  which says more"],
    ["look at `vsync list prod --repo=a` now", "look at\n  `vsync list prod --repo=a` now"],
    ["a /path/that/is/longer/than/the/whole/line it is", "a\n  /path/that/is/longer/than/the/whole/line\n  it is"],
  ])("keeps on one line what may be copied: %s", (text, expected) => {
    expect(wrapMessage(text, 7, 34)).toBe(expected);
  });
});

describe("the program", () => {
  const LONG = "x".repeat(60);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await openSandbox();
  });
  afterEach(() => sandbox[Symbol.asyncDispose]());
  const args = ["status", `--env=${LONG}`, "--repo=api"];

  test("without a terminal a message is one line, however long", async () => {
    const { stderr } = await sandbox.run(args);
    expect(stderr.split("\n")).toHaveLength(3);
    expect(stderr).toContain(`vsync: error: this machine has no config for env ${LONG} of api: `);
  });

  test("on a terminal no line is wider than it but for a path, and none begins within a word", async () => {
    const session = await sandbox.terminal(args);
    const { screen } = await session.end();
    expect(screen).toContain(`vsync: error: this machine has no config for env\r\n  ${LONG} of api:\r\n`);
    expect(screen).toContain(`vsync: hint: run\r\n  vsync init --env=${LONG}\r\n`);
  });
});
