import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDeb } from "../../scripts/release/deb.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const hasDpkg = await run("dpkg-deb", ["--version"]).then(
  () => true,
  () => false,
);
if (!hasDpkg) process.stderr.write("the tests of the Debian package are skipped: there is no dpkg-deb\n");

describe.skipIf(!hasDpkg)("the Debian package", () => {
  let folder: string;
  let deb: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync-test-deb-"));
    await writeFile(join(folder, "program"), "#!/bin/sh\necho started\n");
    deb = build("first");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function build(name: string): string {
    const program = join(folder, "program");
    const out = folder;
    const parts = { root, program, architecture: "amd64", version: `1.2.3-${name}`, epoch: "1700000000", out };
    return buildDeb(parts);
  }

  test("has the program, a man page for each command and completions, all of root's", async () => {
    const { stdout } = await run("dpkg-deb", ["--contents", deb]);
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    expect(new Set(entries.map(([, owner]) => owner))).toEqual(new Set(["root/root"]));
    const paths = entries.map((entry) => entry.at(-1));
    for (const path of ["bin/vsync", "share/man/man1/vsync.1.gz", "share/man/man1/vsync-runtime-token.1.gz"]) {
      expect(paths).toContain(`./usr/${path}`);
    }
    expect(paths).toContain("./usr/share/bash-completion/completions/vsync");
    expect(paths).toContain("./usr/share/zsh/vendor-completions/_vsync");
    expect(paths).toContain("./usr/share/fish/vendor_completions.d/vsync.fish");
  });

  test("unpacked, the program starts", async () => {
    const tree = join(folder, "tree");
    await mkdir(tree);
    await run("dpkg-deb", ["--extract", deb, tree]);
    expect((await run(join(tree, "usr/bin/vsync"))).stdout).toBe("started\n");
  });

  test("has the same bytes when it is built again", async () => {
    const before = await readFile(deb);
    expect((await readFile(build("first"))).equals(before)).toBe(true);
  });
});
