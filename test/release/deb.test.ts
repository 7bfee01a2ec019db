import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDeb } from "../../scripts/release/deb.ts";
import { maintainerOf } from "../../scripts/release/maintainer.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const hasDpkg = await run("dpkg-deb", ["--version"]).then(
  () => true,
  () => false,
);
const hasLintian = await run("lintian", ["--version"]).then(
  () => true,
  () => false,
);
if (hasDpkg && !hasLintian) process.stderr.write("the Debian package is not shown to lintian, which is missing\n");
if (!hasDpkg) process.stderr.write("the tests of the Debian package are skipped: dpkg-deb is missing\n");

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
    const facts = { architecture: "amd64", version: `1.2.3-${name}`, maintainer: "Ann <ann@example.com>" };
    return buildDeb({ root, program, epoch: "1700000000", out: folder, ...facts });
  }

  test("has the program, a man page for each command and completions, all owned by root", async () => {
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

  test("contains a program that starts", async () => {
    const tree = join(folder, "tree");
    await mkdir(tree);
    await run("dpkg-deb", ["--extract", deb, tree]);
    expect((await run(join(tree, "usr/bin/vsync"))).stdout).toBe("started\n");
  });

  test("has the same bytes in a second build", async () => {
    const before = await readFile(deb);
    expect((await readFile(build("first"))).equals(before)).toBe(true);
  });

  test("names its maintainer, its changes, and the digests of its files", async () => {
    const field = async (name: string): Promise<string> =>
      (await run("dpkg-deb", ["--field", deb, name])).stdout.trim();
    expect(await field("Version")).toBe("1.2.3~first");
    expect(await field("Maintainer")).toBe("Ann <ann@example.com>");
    expect(await field("Depends")).toMatch(/^libc6 \(>= [\d.]+\)$/);
    const { stdout } = await run("dpkg-deb", ["--info", deb, "md5sums"]);
    expect(stdout).toMatch(/^[0-9a-f]{32} {2}usr\/bin\/vsync$/m);
  });

  test("leaves nothing behind after install and removal", async () => {
    const machine = join(folder, "machine");
    for (const it of ["info", "updates"]) await mkdir(join(machine, "var/lib/dpkg", it), { recursive: true });
    await writeFile(join(machine, "var/lib/dpkg/status"), "");
    const words = [`--root=${machine}`, "--log=/dev/null", "--force-depends", "--force-not-root"];
    const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
    await run("dpkg", [...words, "--install", deb], { env });
    expect((await run(join(machine, "usr/bin/vsync"))).stdout).toBe("started\n");
    expect((await run("dpkg", [...words, "--verify", "vsync"], { env })).stdout).toBe("");
    await run("dpkg", [...words, "--remove", "vsync"], { env });
    expect((await readdir(machine)).toSorted()).toEqual(["var"]);
  });

  test.skipIf(!hasLintian)("passes lintian", async () => {
    const { stdout } = await run("lintian", ["--allow-root", "--fail-on=none", deb]);
    expect(stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
  });
});

describe("the maintainer of the Debian package", () => {
  const ann = "Ann <ann@example.com>";
  const repository = "git+https://example.com/vsync.git";

  test.each([
    [{ maintainer: ann, repository }, "Bob <bob@example.com>", ann],
    [{ repository }, ann, ann],
    [{}, undefined, "nobody yet <nobody@vsync.invalid>"],
  ])("%j, and %j in package.json: %s", (release, author, expected) => {
    expect(maintainerOf(release, author)).toBe(expected);
  });

  test.each([
    [{ repository }, /a release names who maintains it/],
    [{ maintainer: "", repository }, /a release names who maintains it/],
    [{ maintainer: "ann@example.com", repository }, /is not of the form/],
    [{ maintainer: `${ann}\nDepends: evil`, repository }, /is not of the form/],
  ])("%j is refused", (release, expected) => {
    expect(() => maintainerOf(release)).toThrow(expected);
  });
});
