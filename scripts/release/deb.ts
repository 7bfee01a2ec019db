import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { changelog, control, type DebFacts, LINTIAN_OVERRIDES, md5sums } from "./deb-texts.ts";

/** The targets with a Debian package, and Debian's names for them. */
export const DEB_ARCHITECTURES: Readonly<Record<string, string>> = { "linux-x64": "amd64", "linux-arm64": "arm64" };

const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/vsync",
  zsh: "usr/share/zsh/vendor-completions/_vsync",
  fish: "usr/share/fish/vendor_completions.d/vsync.fish",
};

export interface DebParts extends DebFacts {
  /** The repository, after `npm run build`. */
  readonly root: string;
  readonly program: string;
  /** The output folder. */
  readonly out: string;
}

/** Makes vsync_<version>_<architecture>.deb: the program, its man pages and its completions. */
export function buildDeb({ root, program, out, ...facts }: DebParts): string {
  const tree = mkdtempSync(join(tmpdir(), "vsync-deb-"));
  try {
    const place = (path: string, content: Content, mode = 0o644): void => placeFile(join(tree, path), content, mode);
    place("usr/bin/vsync", readFileSync(program), 0o755);
    placeManPages(root, tree);
    for (const [shell, path] of Object.entries(COMPLETIONS)) place(path, completion(root, shell));
    place("usr/share/doc/vsync/copyright", readFileSync(join(root, "LICENSE")));
    place("usr/share/doc/vsync/changelog.gz", gzipSync(changelog(facts), { level: 9 }));
    place("usr/share/lintian/overrides/vsync", LINTIAN_OVERRIDES);
    place("DEBIAN/control", control(tree, facts));
    place("DEBIAN/md5sums", md5sums(tree));
    const file = join(out, `vsync_${facts.version}_${facts.architecture}.deb`);
    // Independent of the umask.
    execFileSync("chmod", ["-R", "u=rwX,go=rX", tree]);
    const env = { ...process.env, SOURCE_DATE_EPOCH: facts.epoch };
    // A higher level takes minutes and hardly saves anything.
    const flags = ["--root-owner-group", "-Zxz", "-z3", "--build"];
    execFileSync("dpkg-deb", [...flags, tree, file], { env, stdio: ["ignore", "ignore", "inherit"] });
    return file;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

type Content = string | Uint8Array;

function placeFile(path: string, content: Content, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
}

function placeManPages(root: string, tree: string): void {
  const folder = join(tree, "usr/share/man/man1");
  execFileSync(process.execPath, [join(root, "scripts/man.mjs"), folder]);
  for (const name of readdirSync(folder)) {
    writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(join(folder, name)), { level: 9 }));
    rmSync(join(folder, name));
  }
}

function completion(root: string, shell: string): Uint8Array {
  return execFileSync(process.execPath, [join(root, "bin/run.js"), "completion", shell]);
}
