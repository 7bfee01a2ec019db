import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const STAND_INS = join(import.meta.dirname, "musl-stand-ins.c");
interface Machine {
  readonly debian: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly glibcLoader: string;
}

const MACHINES: Readonly<Record<"x64" | "arm64", Machine>> = {
  x64: { debian: "amd64", compiler: "gcc", flags: [], glibcLoader: "ld-linux-x86-64.so.2" },
  // Otherwise it would need libgcc's atomics.
  arm64: {
    debian: "arm64",
    compiler: "aarch64-linux-gnu-gcc",
    flags: ["-mno-outline-atomics"],
    glibcLoader: "ld-linux-aarch64.so.1",
  },
};

/**
 * The command prefix that starts a program for musl on a Debian machine: musl's loader with Debian's libstdc++ and
 * stand-ins for the parts of glibc that it needs. The first call on a machine fetches musl and compiles the stand-ins.
 *
 * @throws Error saying why this machine cannot do it
 */
export function muslLoader(cpu: "x64" | "arm64"): string[] {
  const machine = MACHINES[cpu];
  const digest = createHash("sha256").update(readFileSync(STAND_INS)).digest("hex").slice(0, 16);
  const folder = join(
    process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"),
    "vsync-packages",
    `musl-${cpu}-${digest}`,
  );
  if (!existsSync(folder)) prepare(folder, machine);
  const [loader] = globSync(join(folder, "lib/ld-musl-*.so.1"));
  if (loader === undefined) throw new Error(`${folder} is without musl's loader`);
  return [loader, "--library-path", folder, "--preload", join(folder, machine.glibcLoader)];
}

function prepare(folder: string, { debian, compiler, flags, glibcLoader }: Machine): void {
  mkdirSync(join(folder, ".."), { recursive: true });
  const aside = mkdtempSync(`${folder}.`);
  try {
    for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) copyFileSync(libraryOf(compiler, name), join(aside, name));
    const words = ["-shared", "-fPIC", "-O2", "-ffreestanding", "-nostdlib", ...flags];
    execFileSync(compiler, [...words, "-o", join(aside, glibcLoader), STAND_INS], { stdio: "pipe" });
    execFileSync("dpkg-deb", ["--extract", fetchMusl(join(aside, "apt"), debian), aside], { stdio: "pipe" });
    rmSync(join(aside, "apt"), { recursive: true });
    renameSync(aside, folder);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function libraryOf(compiler: string, name: string): string {
  try {
    return execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
  } catch {
    throw new Error(`no ${compiler}`);
  }
}

/** Fetches Debian's package for another architecture without installing it. */
function fetchMusl(folder: string, architecture: string): string {
  try {
    const { source, codename } = ownArchive();
    for (const part of ["lists/partial", "cache/archives/partial", "parts"])
      mkdirSync(join(folder, part), { recursive: true });
    writeFileSync(join(folder, "status"), "");
    writeFileSync(
      join(folder, "sources.list"),
      `deb [arch=${architecture} signed-by=${KEYRING}] ${source} ${codename} main\n`,
    );
    const words = aptWords(folder, architecture).flatMap((word) => ["-o", word]);
    execFileSync("apt-get", [...words, "-qq", "update"], { stdio: "pipe" });
    execFileSync("apt-get", [...words, "-qq", "download", "musl"], { cwd: folder, stdio: "pipe" });
    return globSync(join(folder, "musl_*.deb"))[0] ?? "";
  } catch {
    throw new Error(`apt here has no musl for ${architecture}`);
  }
}

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The package source of this machine. */
function ownArchive(): { source: string; codename: string } {
  const format = ["indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Component: main"];
  const lines = execFileSync("apt-get", format, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split("\n");
  const [source = "", codename = ""] = lines.find((line) => / [a-z]+$/.test(line))?.split(" ") ?? [];
  return { source, codename };
}

function aptWords(folder: string, architecture: string): string[] {
  return [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    `Dir::Etc::sourceparts=${folder}/parts`,
    `Dir::Etc::preferencesparts=${folder}/parts`,
    `Dir::State::lists=${folder}/lists`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}/cache`,
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Debug::NoLocking=1",
  ];
}
