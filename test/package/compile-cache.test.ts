import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";

const PROGRAM = join(import.meta.dirname, "../../bin/run.js");
/** Created before their owner is checked. */
const FOLDERS = ["vsync", join("vsync", "node")];
const ANOTHER_USER = 12_345;

/** In a folder that only this user and root can change, unlike /tmp on some machines. */
function emptyFolder(): string {
  const folder = mkdtempSync(join(homedir(), ".vsync-compile-cache-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the program with this cache folder, and lists its contents afterwards. */
function startWith(caches: string): readonly string[] {
  const env = { PATH: "/usr/bin:/bin", HOME: "/nowhere", XDG_CACHE_HOME: caches };
  const started = execFileSync(process.execPath, [PROGRAM, "--version"], { env, encoding: "utf8", stdio: "pipe" });
  expect(started).toMatch(/^vsync\//);
  return existsSync(caches) ? readdirSync(caches, { recursive: true, encoding: "utf8" }) : [];
}

describe("the compiled program", () => {
  test("is kept in the user's own cache folder", () => {
    const kept = startWith(emptyFolder());
    expect(kept.filter((path) => path.startsWith(join("vsync", "node"))).length).toBeGreaterThan(2);
  });

  test.each<[string, (folder: string) => void]>([
    ["everybody can write", (folder) => chmodSync(folder, 0o777)],
    ["is missing", (folder) => rmSync(folder, { recursive: true })],
    ["has a folder vsync that everybody can write", (folder) => planted(folder, (vsync) => chmodSync(vsync, 0o777))],
  ])("is not kept where the cache folder %s", (_, change) => {
    const folder = emptyFolder();
    change(folder);
    expect(startWith(folder).filter((path) => !FOLDERS.includes(path))).toEqual([]);
  });

  test.runIf(process.geteuid?.() === 0).each<[string, (folder: string) => void]>([
    ["the cache folder", (folder) => chownSync(folder, ANOTHER_USER, ANOTHER_USER)],
    ["the folder vsync in it", (folder) => planted(folder, (vsync) => chownSync(vsync, ANOTHER_USER, ANOTHER_USER))],
    ["what the link vsync leads to", (folder) => symlinkSync(foreignFolder(), join(folder, "vsync"))],
  ])("is not kept where %s belongs to another user", (_, change) => {
    const folder = emptyFolder();
    change(folder);
    expect(startWith(folder).filter((path) => !FOLDERS.includes(path))).toEqual([]);
  });
});

function planted(folder: string, change: (vsync: string) => void): void {
  mkdirSync(join(folder, "vsync"));
  change(join(folder, "vsync"));
}

function foreignFolder(): string {
  const folder = emptyFolder();
  chownSync(folder, ANOTHER_USER, ANOTHER_USER);
  return folder;
}
