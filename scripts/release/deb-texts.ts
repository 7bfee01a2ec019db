import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export interface DebFacts {
  /** As Debian names it. */
  readonly architecture: string;
  readonly version: string;
  /** `Name <address>` */
  readonly maintainer: string;
  /** Seconds since 1970; every file inside has this date. */
  readonly epoch: string;
}

/** The control file (deb-control(5)) of the package whose files are in `tree`. */
export function control(tree: string, { architecture, version, maintainer }: DebFacts): string {
  const bytes = filesOf(tree).reduce((total, file) => total + statSync(join(tree, file)).size, 0);
  return [
    "Package: vsync",
    `Version: ${debianVersion(version)}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    // The newest version of glibc that the programs require.
    "Depends: libc6 (>= 2.17)",
    "Section: utils",
    "Priority: optional",
    "Description: secrets for backends in any S3 bucket or a plain directory",
    " One encrypted, signed bundle per repository and environment, no server:",
    " apps boot from one string and a passphrase.",
    "",
  ].join("\n");
}

/** The checksums (deb-md5sums(5)) for `dpkg --verify` and debsums. */
export function md5sums(tree: string): string {
  const sum = (file: string): string =>
    createHash("md5")
      .update(readFileSync(join(tree, file)))
      .digest("hex");
  return filesOf(tree)
    .map((file) => `${sum(file)}  ${file}\n`)
    .join("");
}

/** The one entry that deb-changelog(5) requires; it points to the project's own changelog. */
export function changelog({ version, maintainer, epoch }: DebFacts): string {
  const date = new Date(Number(epoch) * 1000).toUTCString().replace("GMT", "+0000");
  const entry = [
    `vsync (${debianVersion(version)}) unstable; urgency=medium`,
    "",
    `  * Version ${version}: see CHANGELOG.md.`,
    "",
  ];
  return [...entry, ` -- ${maintainer}  ${date}`, ""].join("\n");
}

/** A pre-release sorts before its release: deb-version(7). */
function debianVersion(version: string): string {
  return version.replace("-", "~");
}

/** Overrides for lintian's findings in the runtime (bun), which we ship as its makers built it. */
export const LINTIAN_OVERRIDES = [
  "# Stripping would cut off the code that is behind the runtime.",
  "vsync: unstripped-binary-or-object [usr/bin/vsync]",
  "# Of the runtime, which is linked statically.",
  "vsync: embedded-library *",
  "vsync: hardening-no-relro [usr/bin/vsync]",
  "vsync: hardening-no-pie [usr/bin/vsync]",
  "",
].join("\n");

/** Sorted paths, relative to the package's root. */
function filesOf(tree: string): string[] {
  return globSync("usr/**", { cwd: tree })
    .filter((path) => statSync(join(tree, path)).isFile())
    .toSorted();
}
