import { chmod, copyFile, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

/** A boot from the two variables, with something wrong. */
interface Refusal {
  readonly what: string;
  /** Breaks something, and says what is different in the environment. */
  readonly arrange: (home: VaultHome) => Promise<Record<string, string | undefined>>;
  readonly exitCode: number;
  readonly error: RegExp;
  readonly hint: RegExp;
}

const bundleOf = async ({ vaultFolder }: VaultHome): Promise<string> => {
  const names = (await readdir(vaultFolder)).filter((name) => name.startsWith("v="));
  return join(vaultFolder, names.toSorted().at(-1) ?? "");
};

const REFUSALS: readonly Refusal[] = [
  {
    what: "a wrong passphrase",
    arrange: async () => ({ VSYNC_PASSPHRASE: "correct horse battery stapler" }),
    exitCode: 1,
    error: /^wrong passphrase for api\/prod$/,
    hint: /^the bucket says \(unproven\): changed .* ago by .*; check where the passphrase comes from, and if it was rotated, roll the new one out$/,
  },
  {
    what: "an altered bundle",
    arrange: async (home) => {
      const path = await bundleOf(home);
      const bytes = await readFile(path);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      await writeFile(path, bytes);
      return {};
    },
    exitCode: 6,
    error: /^the bundle v=\S+ does not have the digest that its manifest gives$/,
    hint: /from the bucket's object versions or a backup$/,
  },
  {
    what: "a bundle that is gone",
    arrange: async (home) => {
      await rm(await bundleOf(home));
      return {};
    },
    exitCode: 6,
    error: /^the bundle v=\S+ is not there$/,
    hint: /from the bucket's object versions or a backup$/,
  },
  {
    what: "an older manifest, put back",
    arrange: async ({ vaultFolder }) => {
      await rename(join(vaultFolder, "..", "manifest-of-generation-1"), join(vaultFolder, "manifest"));
      return {};
    },
    exitCode: 6,
    error: /^the store offers generation 1, generation 2 was seen before$/,
    hint: /put back the newest version of the object `manifest`/,
  },
  {
    what: "a manifest that is gone",
    arrange: async ({ vaultFolder }) => {
      await rm(join(vaultFolder, "manifest"));
      return {};
    },
    exitCode: 1,
    error: /^there is no vault at .*\/api\/prod\/ any more: generation 2 was seen$/,
    hint: /^check the bucket and prefix; if they are right, put the object `manifest` back/,
  },
  {
    what: "a passphrase file that is not there",
    arrange: async ({ sandbox }) => ({ VSYNC_PASSPHRASE_FILE: `${sandbox.home}/no-such-file` }),
    exitCode: 1,
    error: /VSYNC_PASSPHRASE_FILE names, .*\/no-such-file, is not there$/,
    hint: /./,
  },
  {
    what: "a passphrase file that everybody can write",
    arrange: async ({ sandbox }) => {
      const path = await sandbox.write("home/passphrase", "correct horse battery staple\n");
      await chmod(path, 0o666);
      return { VSYNC_PASSPHRASE_FILE: path };
    },
    exitCode: 1,
    error: /VSYNC_PASSPHRASE_FILE names, .*\/passphrase, .*0666/,
    hint: /0600/,
  },
  {
    what: "a token with a typo",
    arrange: async (home) => {
      const token = await home.token();
      return { VSYNC_CONFIG: `${token.slice(0, 60)}${token[60] === "A" ? "B" : "A"}${token.slice(61)}` };
    },
    exitCode: 1,
    error: /^invalid VSYNC_CONFIG: /,
    hint: /vsync runtime-token/,
  },
  {
    what: "a token of another envelope",
    arrange: async (home) => ({ VSYNC_CONFIG: `x${await home.token()}` }),
    exitCode: 1,
    error: /^unsupported VSYNC_CONFIG envelope: expected "vsync-cfg-v1:"$/,
    hint: /vsync runtime-token/,
  },
  {
    what: "a directory that is not mounted",
    arrange: async ({ vaultFolder }) => {
      await rename(join(vaultFolder, "../../.."), join(vaultFolder, "../../../../elsewhere"));
      return {};
    },
    exitCode: 3,
    error: /\.local\/share\/vsync/,
    hint: /./,
  },
];

describe("a boot that is refused says why, starts nothing and prints nothing on stdout", () => {
  test.concurrent.each(REFUSALS)("$what", async ({ arrange, exitCode, error, hint }) => {
    await using home = await openVaultHome();
    await home.push({ A: "planted-secret-1" });
    await copyFile(join(home.vaultFolder, "manifest"), join(home.vaultFolder, "..", "manifest-of-generation-1"));
    await home.push({ A: "planted-secret-2" });
    const token = await home.token();
    const env = { VSYNC_CONFIG: token, ...(await arrange(home)) };
    const ran = await home.run(["run", "--", "sh", "-c", "echo started"], { env });
    expect(ran.exitCode, ran.stderr).toBe(exitCode);
    expect(ran.stdout).toBe("");
    const [first = "", second = "", ...rest] = ran.stderr.trimEnd().split("\n");
    expect(first).toMatch(/^vsync: error: /);
    expect(first.slice("vsync: error: ".length)).toMatch(error);
    expect(second).toMatch(/^vsync: hint: /);
    expect(second.slice("vsync: hint: ".length)).toMatch(hint);
    expect(rest).toEqual([]);
    expect(ran.stderr).not.toMatch(/planted-secret|\bat .*\.[jt]s:\d/);
  });
});
