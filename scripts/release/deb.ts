import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/** Debian's names for the targets that it gets a package for. */
export const DEB_ARCHITECTURES: Readonly<Record<string, string>> = { "linux-x64": "amd64", "linux-arm64": "arm64" };

const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/vsync",
  zsh: "usr/share/zsh/vendor-completions/_vsync",
  fish: "usr/share/fish/vendor_completions.d/vsync.fish",
};

export interface DebParts {
  /** The repository, with dist/ built. */
  readonly root: string;
  readonly program: string;
  /** In Debian's words. */
  readonly architecture: string;
  readonly version: string;
  /** Seconds since 1970: the date of everything inside. */
  readonly epoch: string;
  /** The folder that it goes into. */
  readonly out: string;
}

/** Makes vsync_<version>_<architecture>.deb: the program, its man pages and its completions. */
export function buildDeb({ root, program, architecture, version, epoch, out }: DebParts): string {
  const tree = mkdtempSync(join(tmpdir(), "vsync-deb-"));
  try {
    const place = (path: string, content: Content, mode = 0o644): void => placeFile(join(tree, path), content, mode);
    place("usr/bin/vsync", readFileSync(program), 0o755);
    placeManPages(root, tree);
    for (const [shell, path] of Object.entries(COMPLETIONS)) place(path, completion(root, shell));
    place("usr/share/doc/vsync/copyright", readFileSync(join(root, "LICENSE")));
    place("DEBIAN/control", control(tree, architecture, version));
    const file = join(out, `vsync_${version}_${architecture}.deb`);
    // Whatever the umask is here.
    execFileSync("chmod", ["-R", "u=rwX,go=rX", tree]);
    const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };
    // The program hardly compresses better than this, and would take minutes.
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

function control(tree: string, architecture: string, version: string): string {
  const kibibytes = execFileSync("du", ["-sk", "--apparent-size", join(tree, "usr")], { encoding: "utf8" });
  return [
    "Package: vsync",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: the vsync authors <maintainers@vsync.invalid>",
    `Installed-Size: ${Number.parseInt(kibibytes, 10)}`,
    "Depends: libc6",
    "Section: utils",
    "Priority: optional",
    "Description: secrets for backends in any S3 bucket or a plain directory",
    " One encrypted, signed bundle per repository and environment, no server:",
    " apps boot from one string and a passphrase.",
    "",
  ].join("\n");
}
