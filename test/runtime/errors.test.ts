import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import * as library from "../../src/runtime/index.ts";
import { type DirectoryVault, directoryVault, environmentOf, rejectionOf } from "./fixture.ts";

const { Vsync, VsyncError } = library;

type Environment = Record<string, string>;

interface Failure {
  readonly className: keyof typeof library;
  readonly code: library.ErrorCode;
  readonly message: RegExp;
  /** Breaks the vault, or its environment. */
  readonly arrange: (vault: DirectoryVault) => Promise<Environment> | Environment;
}

const FAILURES: Record<string, Failure> = {
  "a missing token": {
    className: "ConfigMissingError",
    code: "CONFIG_MISSING",
    message: /neither VSYNC_CONFIG nor VSYNC_CONFIG_FILE is set/,
    arrange: (vault) => ({ VSYNC_PASSPHRASE: vault.passphrase }),
  },
  "a garbled token": {
    className: "ConfigInvalidError",
    code: "CONFIG_INVALID",
    message: /cut or altered/,
    // Its end is the length of what it holds, which is never that short. What comes before may have a second spelling.
    arrange: (vault) => ({ ...environmentOf(vault), VSYNC_CONFIG: `${vault.config.slice(0, -5)}AAAAA` }),
  },
  "a token for no possible directory": {
    className: "ConfigInvalidError",
    code: "CONFIG_INVALID",
    message: /^invalid VSYNC_CONFIG: .*bucket of a directory store/,
    arrange: (vault) => ({ ...environmentOf(vault), VSYNC_CONFIG: vault.configWith({ bucket: ".." }) }),
  },
  "a wrong passphrase": {
    className: "WrongPassphraseError",
    code: "WRONG_PASSPHRASE",
    message: /^wrong passphrase for /,
    arrange: (vault) => ({ ...environmentOf(vault), VSYNC_PASSPHRASE: "not the passphrase" }),
  },
  "a passphrase after its grace window": {
    className: "PassphraseRetiredError",
    code: "PASSPHRASE_RETIRED",
    message: /grace window ended/,
    arrange: async (vault) => {
      await vault.rotate("another passphrase", 3_600_000);
      const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_001);
      onTestFinished(() => clock.mockRestore());
      return environmentOf(vault);
    },
  },
  "an altered manifest": {
    className: "NotAuthenticError",
    code: "NOT_AUTHENTIC",
    message: /manifest/,
    arrange: async (vault) => {
      await alter(join(vault.folder, "manifest"));
      return environmentOf(vault);
    },
  },
  "no vault": {
    className: "ManifestNotFoundError",
    code: "MANIFEST_NOT_FOUND",
    message: /^the vault at .* is gone/,
    arrange: async (vault) => {
      await rm(join(vault.folder, "manifest"));
      return environmentOf(vault);
    },
  },
  "a bucket that nobody serves": {
    className: "S3UnreachableError",
    code: "S3_UNREACHABLE",
    message: /^cannot read s3:\/\/vsync\/api\/prod\/manifest: /,
    arrange: (vault) => ({
      ...environmentOf(vault),
      // Port 1 (tcpmux) on loopback refuses the connection.
      VSYNC_CONFIG: vault.configWith({ endpoint: "http://127.0.0.1:1", ...BUCKET_KEYS }),
    }),
  },
};

const BUCKET_KEYS = {
  credentials: undefined,
  accessKeyId: "AKIAFAKE",
  secretAccessKey: "planted/secret",
} as unknown as Partial<RuntimeToken>;

describe("open throws and never falls back to the environment", () => {
  test.each(Object.keys(FAILURES))("%s", async (name) => {
    const failure = FAILURES[name]!;
    const vault = await directoryVault();
    const env = { ...(await failure.arrange(vault)), API_KEY: "of the environment" };
    const error = await rejectionOf(Vsync.open({ env, defaults: { API_KEY: "of the defaults" } }));
    expect(error).toBeInstanceOf(library[failure.className]);
    expect(error).toBeInstanceOf(VsyncError);
    const { code, message, hint } = error as library.VsyncError;
    expect((error as Error).name).toBe(failure.className);
    expect(code).toBe(failure.code);
    expect(message).toMatch(failure.message);
    expect(message).toMatch(/^[^A-Z].*[^.]$|^VSYNC_/);
    if (failure.className !== "NotAuthenticError") expect(hint).toMatch(/\w.*[^.]$/);
  });

  test("a retired passphrase is also a wrong one", () => {
    expect(library.PassphraseRetiredError.prototype).toBeInstanceOf(library.WrongPassphraseError);
  });

  test("inside the grace window both passphrases open", async () => {
    const vault = await directoryVault();
    await vault.rotate("another passphrase", 3_600_000);
    for (const VSYNC_PASSPHRASE of [vault.passphrase, "another passphrase"]) {
      await using v = await Vsync.open({ env: { ...environmentOf(vault), VSYNC_PASSPHRASE } });
      expect([v.generation, v.has("API_KEY")]).toEqual([2, true]);
    }
  });
});

test("the library exports the handle and its errors, and nothing else", () => {
  expect(Object.keys(library).toSorted()).toEqual([
    "AccessDeniedError",
    "AuditBrokenError",
    "BundleCorruptError",
    "ConfigInvalidError",
    "ConfigMissingError",
    "ConfigUnsupportedVersionError",
    "GrantInvalidError",
    "InputError",
    "ManifestNotFoundError",
    "NotAuthenticError",
    "PassphraseRetiredError",
    "RollbackError",
    "S3UnreachableError",
    "TokenExpiredError",
    "TokenRefusedError",
    "TokenRevokedError",
    "TokenUnknownError",
    "UnsupportedSpecVersionError",
    "Vsync",
    "VsyncError",
    "WrongPassphraseError",
  ]);
});

async function alter(path: string): Promise<void> {
  const bytes = await readFile(path);
  const last = bytes.length - 2;
  bytes[last] = bytes[last]! ^ 1;
  await writeFile(path, bytes);
}
