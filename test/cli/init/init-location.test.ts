import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chooseLocation, type InitFlags } from "../../../src/cli/init/init-location.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { Prompter } from "../../../src/cli/terminal/prompter.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import { makeConfig } from "../config-fixture.ts";

const TARGET = { repo: "api", env: "prod" };
const AWS = { endpoint: "https://s3.eu-west-1.amazonaws.com", region: "eu-west-1" };
const DIRECTORY = { endpoint: "file:///srv/vaults", region: "local", bucket: "v", credentials: "ambient" } as const;

beforeEach(() => {
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, undefined);
  vi.stubEnv("XDG_DATA_HOME", "/home/ann/data");
});
afterEach(() => vi.unstubAllEnvs());

/** Nobody is there to ask. */
async function place(flags: InitFlags, current?: object) {
  const nowhere = { write: () => true };
  const sources = {
    variables: {},
    stdin: new Stdin(
      () => expect.unreachable("stdin was opened"),
      () => false,
    ),
    prompter: new Prompter(
      () => expect.unreachable("a question was asked"),
      () => false,
    ),
    output: new Output(nowhere, nowhere, {}),
  };
  const config = current === undefined ? null : makeConfig(current);
  const { credentials, endpoint, ...rest } = await chooseLocation(flags, TARGET, config, sources);
  const who = credentials === "ambient" ? credentials : credentials.accessKeyId;
  return [endpoint, rest.region, rest.bucket, rest.prefix, who].join(" ");
}

describe("nothing is known yet", () => {
  test.each<[string, InitFlags, string]>([
    ["no flags", {}, "file:///home/ann/data/vsync local vaults api/prod/ ambient"],
    ["--local", { local: true }, "file:///home/ann/data/vsync local vaults api/prod/ ambient"],
    ["a prefix", { prefix: "a/b/" }, "file:///home/ann/data/vsync local vaults a/b/ ambient"],
    ["a directory", { endpoint: "file:///srv" }, "file:///srv local vaults api/prod/ ambient"],
    [
      "a bucket is AWS's",
      { bucket: "acme", ambient: true },
      "https://s3.us-east-1.amazonaws.com us-east-1 acme api/prod/ ambient",
    ],
    [
      "in another region",
      { bucket: "acme", region: "eu-west-1", ambient: true },
      "https://s3.eu-west-1.amazonaws.com eu-west-1 acme api/prod/ ambient",
    ],
    [
      "in China",
      { bucket: "acme", region: "cn-north-1", ambient: true },
      "https://s3.cn-north-1.amazonaws.com.cn cn-north-1 acme api/prod/ ambient",
    ],
    [
      "a bucket elsewhere",
      { bucket: "acme", endpoint: "https://s3.example.com/", "access-key": "K", "secret-key": "S" },
      "https://s3.example.com us-east-1 acme api/prod/ K",
    ],
  ])("%s", async (_, flags, expected) => {
    expect(await place(flags)).toBe(expected);
  });

  test("AWS_REGION names the region of AWS's own endpoints only", async () => {
    vi.stubEnv("AWS_REGION", "eu-north-1");
    expect(await place({ bucket: "b", ambient: true })).toMatch(
      /^https:\/\/s3\.eu-north-1\.amazonaws\.com eu-north-1 /,
    );
    const elsewhere = { bucket: "b", endpoint: "https://s3.example.com", ambient: true };
    expect(await place(elsewhere)).toMatch(/^https:\/\/s3\.example\.com us-east-1 /);
  });

  test.each<[string, InitFlags, string]>([
    ["a region without a bucket", { region: "eu-west-1" }, "missing --bucket"],
    ["a bucket without credentials", { bucket: "b" }, "missing the credentials"],
    ["a key without its secret", { bucket: "b", "access-key": "K" }, "missing the secret access key"],
    ["a prefix that is none", { prefix: "a" }, "--prefix must end in /"],
  ])("%s is refused", async (_, flags, message) => {
    await expect(place(flags)).rejects.toThrow(message);
  });
});

describe("a bucket is known", () => {
  test.each<[string, InitFlags, object, string]>([
    ["no flags: it stays", {}, AWS, `${AWS.endpoint} eu-west-1 vaults api/prod/ AKIAEXAMPLE`],
    [
      "another region of AWS: its endpoint",
      { region: "eu-north-1" },
      AWS,
      "https://s3.eu-north-1.amazonaws.com eu-north-1 vaults api/prod/ AKIAEXAMPLE",
    ],
    [
      "another region elsewhere: the same endpoint",
      { region: "eu-north-1" },
      { endpoint: "https://s3.example.com" },
      "https://s3.example.com eu-north-1 vaults api/prod/ AKIAEXAMPLE",
    ],
    ["another prefix", { prefix: "x/" }, AWS, `${AWS.endpoint} eu-west-1 vaults x/ AKIAEXAMPLE`],
    ["no key any more", { ambient: true }, AWS, `${AWS.endpoint} eu-west-1 vaults api/prod/ ambient`],
    [
      "the chain stays as well",
      { bucket: "b" },
      { ...AWS, credentials: "ambient" },
      `${AWS.endpoint} eu-west-1 b api/prod/ ambient`,
    ],
    ["a directory instead", { endpoint: "file:///srv" }, AWS, "file:///srv local vaults api/prod/ ambient"],
    ["--local instead", { local: true }, AWS, "file:///home/ann/data/vsync local vaults api/prod/ ambient"],
  ])("%s", async (_, flags, current, expected) => {
    expect(await place(flags, current)).toBe(expected);
  });
});

describe("a directory is known", () => {
  test.each<[string, InitFlags, string]>([
    ["no flags: it stays", {}, "file:///srv/vaults local v api/prod/ ambient"],
    ["another prefix", { prefix: "x/" }, "file:///srv/vaults local v x/ ambient"],
    ["another directory", { endpoint: "file:///mnt" }, "file:///mnt local vaults api/prod/ ambient"],
    [
      "a bucket is S3's, never a folder in it",
      { bucket: "acme", ambient: true },
      "https://s3.us-east-1.amazonaws.com us-east-1 acme api/prod/ ambient",
    ],
  ])("%s", async (_, flags, expected) => {
    expect(await place(flags, DIRECTORY)).toBe(expected);
  });
});
