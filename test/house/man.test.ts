/** @module-tag process */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MANIFEST, PJSON, ROOT, VISIBLE } from "../support/commands.ts";

const folder = mkdtempSync(join(tmpdir(), "vsync-man-"));
afterAll(() => rmSync(folder, { recursive: true }));
const env = { ...process.env, SOURCE_DATE_EPOCH: "86400" };
execFileSync(process.execPath, ["scripts/man.mjs", folder], { cwd: ROOT, env });

const source = (name: string): string => readFileSync(join(folder, `${name}.1`), "utf8");
const pageOf = (id: string): string => `vsync-${id.replaceAll(":", "-")}`;
const plain = (page: string): string => source(page).replaceAll("\\-", "-").replaceAll("\n", " ");

test("the program and each command have a page, dated by SOURCE_DATE_EPOCH", () => {
  const names = ["vsync", ...VISIBLE.map(({ id }) => pageOf(id))].map((name) => `${name}.1`);
  expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
  expect(source("vsync")).toContain(`.TH "VSYNC" 1 "1970-01-02" "vsync ${PJSON.version}"`);
});

test("the program's page names every command", () => {
  for (const { id, summary } of VISIBLE) {
    expect(plain("vsync")).toContain(`.TP \\fB${id.replace(":", " ")}\\fR`);
    expect(plain("vsync").replaceAll("\\(aq", "'")).toContain(summary);
  }
});

test.each(VISIBLE.map(({ id }) => [id] as const))("the page of %s lists all its arguments and flags", (id) => {
  const { flags, args } = MANIFEST.commands[id]!;
  const page = plain(pageOf(id));
  for (const { name, char, hidden } of Object.values(flags)) {
    const label = char === undefined ? `--${name}` : `-${char}, --${name}`;
    if (!hidden) expect(page).toContain(`.TP \\fB${label}`);
  }
  for (const { name } of Object.values(args)) expect(page).toContain(`.TP \\fB${name.toUpperCase()}\\fR`);
  for (const heading of ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "SEE ALSO"]) {
    expect(page).toContain(`.SH "${heading}"`);
  }
});

test("a page has the exit codes of its command", () => {
  expect(plain("vsync-rotate-passphrase")).toContain("\\fB5\\fR this machine has no config");
  expect(plain("vsync-runtime-token")).toContain("\\fB4\\fR this machine has no config");
  expect(plain("vsync-push")).toContain("\\fB5\\fR a conflict");
});

const CHECKERS = { mandoc: ["-Tlint"], groff: ["-man", "-ww", "-Tutf8", "-z"], lexgrog: [] } as const;
const installed = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;
const absent = Object.keys(CHECKERS).filter((program) => !installed(program));
if (absent.length > 0) console.log(`man pages: not checked by ${absent.join(", ")}: not installed here`);

describe.each(Object.entries(CHECKERS))("%s", (program, args) => {
  test.runIf(installed(program))("has no complaints", () => {
    for (const name of readdirSync(folder)) {
      const { stdout, stderr, status } = spawnSync(program, [...args, join(folder, name)], { encoding: "utf8" });
      expect({ name, stderr, status }).toEqual({ name, stderr: "", status: 0 });
      if (program !== "lexgrog") expect(stdout).toBe("");
    }
  });
});
