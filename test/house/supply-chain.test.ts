import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { justified, productionTree, weightOf } from "../../scripts/supply-chain/dependencies.ts";
import { secretsIn } from "../../scripts/supply-chain/secrets.ts";

const ROOT = join(import.meta.dirname, "../..");
const readJson = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const dependencies = Object.keys(readJson("package.json").dependencies);
const tree = [...productionTree()];

/** Licences that only require attribution. */
const LICENCES = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "0BSD", "BlueOak-1.0.0", "(MIT OR CC0-1.0)"];
/** It builds an addon that the package already contains for our platforms; without the addon, vsync uses the built-in. */
const NEEDLESS_SCRIPTS = ["argon2"];

describe("the run-time dependencies", () => {
  const rows = justified();

  test("each has its row in decision 0007, and no other", () => {
    expect([...rows.keys()].toSorted()).toEqual(dependencies.toSorted());
  });

  test.each(dependencies)("%s: the row has every cell, and the true size", (name) => {
    const row = rows.get(name);
    expect(Object.values(row ?? {}).filter((cell) => cell === "" || cell === undefined)).toEqual([]);
    const [, packages, megabytes] = /^(\d+) packages?, ([\d.]+) MB$/.exec(row?.size ?? "") ?? [];
    const weight = weightOf(name);
    expect(Number(packages)).toBe(weight.packages);
    expect(Math.abs(Number(megabytes) - weight.megabytes)).toBeLessThan(0.1 + 0.1 * weight.megabytes);
  });

  test("have licences that allow redistribution, in the lockfile and in each package", () => {
    const others = tree.flatMap(([folder, { name, license }]) => {
      const said = readJson(`${folder}/package.json`).license;
      return LICENCES.includes(license ?? "") && said === license ? [] : [`${name}: ${license}, ${said}`];
    });
    expect(tree.length).toBeGreaterThan(dependencies.length);
    expect(others).toEqual([]);
  });

  test("no package needs its install script, and npm runs none", () => {
    const scripted = tree.filter(([, entry]) => entry.hasInstallScript).map(([, { name }]) => name);
    expect(scripted).toEqual(NEEDLESS_SCRIPTS);
    expect(readFileSync(join(ROOT, ".npmrc"), "utf8")).toContain("ignore-scripts=true\n");
  });

  test("the lockfile has a digest for everything and no registry's address", () => {
    const entries = Object.entries<{ integrity?: string; resolved?: string }>(readJson("package-lock.json").packages);
    const faults = entries.filter(([folder, { integrity = "", resolved }]) => {
      return folder !== "" && (!integrity.startsWith("sha512-") || resolved !== undefined);
    });
    expect(faults.map(([folder]) => folder)).toEqual([]);
  });
});

describe("secrets in the repository", () => {
  test("only the fixtures have any", () => {
    const names = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
    const found = names
      .toString()
      .split("\0")
      .filter((name) => name !== "")
      .flatMap((name) => secretsIn(textOf(name)).map(({ what, line }) => `${name}:${line}: ${what}`));
    expect(found).toEqual([]);
  });

  const key = `AK${"IA"}QX7RZ2M4LT9WPS3D`;
  const token = (fields: object): string =>
    `vsync-cfg-v1:${gzipSync(JSON.stringify({ v: 1, endpoint: "https://s3.example.com", ...fields })).toString("base64url")}`;

  // In parts, because this file must not contain any.
  test.each([
    ["an AWS access key id", `id = ${key}`],
    ["an AWS secret access key", `"secretAccess${"Key"}": "${"q8Zr+2vK".repeat(5)}"`],
    ["an AWS secret access key", `AWS_SECRET_ACCESS_${"KEY"}=${"q8Zr+2vK".repeat(5)}`],
    ["a private key", `-----BEGIN RSA ${"PRIVATE"} KEY-----`],
    ["an age key", `AGE-SECRET-${"KEY"}-1${"Q".repeat(58)}`],
    ["a GitHub token", `gh${"p"}_${"a1B2".repeat(9)}`],
    ["an npm token", `np${"m"}_${"a1B2".repeat(9)}`],
    ["a Slack token", `xox${"b"}-123456789012-abcdefghij`],
    ["a Stripe key", `sk_${"live"}_${"a1".repeat(12)}`],
    ["a Google API key", `AI${"za"}${"a1B2c".repeat(7)}`],
    ["a JSON Web Token", `ey${"J"}${"a".repeat(30)}.ey${"J"}${"b".repeat(30)}.${"c".repeat(30)}`],
    ["a runtime token", token({ accessKeyId: key })],
    ["a runtime token", token({ accessKeyId: key, bucket: "acme-secrets" }).slice(0, -20)],
  ])("%s is found in a file", (what, line) => {
    expect(secretsIn(`first\n${line}\n`)).toEqual([{ what, line: 2 }]);
  });

  test("a token without a key does not count", () => {
    expect(secretsIn(token({ bucket: "acme-secrets", prefix: "api/prod/", env: "prod" }))).toEqual([]);
  });
});

function textOf(name: string): string {
  try {
    return readFileSync(join(ROOT, name), "latin1");
  } catch {
    // In the index, but removed from the disk.
    return "";
  }
}
