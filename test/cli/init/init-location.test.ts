import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chooseLocation, type InitFlags } from "../../../src/cli/init/init-location.ts";
import { Output } from "../../../src/cli/terminal/output.ts";
import { Prompter } from "../../../src/cli/terminal/prompter.ts";
import { Stdin } from "../../../src/cli/terminal/stdin.ts";
import { makeConfig, whichOf } from "../config-fixture.ts";
import { rows } from "../rows.ts";

const TARGET = whichOf({ repo: "api", env: "prod" });
const AWS = { endpoint: "https://s3.eu-west-1.amazonaws.com", region: "eu-west-1" };
const DIRECTORY = { endpoint: "file:///srv/vaults", region: "local", bucket: "v", credentials: "ambient" } as const;

beforeEach(() => {
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, undefined);
  vi.stubEnv("XDG_DATA_HOME", "/home/ann/data");
});
afterEach(() => vi.unstubAllEnvs());

/** A prompter without a terminal. */
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

/** `bucket=acme ambient` as flags: a word alone is a switch. */
function flagsOf(words = ""): InitFlags {
  const flags = words.split(" ").filter((word) => word !== "-");
  return Object.fromEntries(flags.map((flag) => [flag.split("=")[0], flag.split("=")[1] ?? true]));
}

describe("without a config", () => {
  test.each(rows`
    -                                          │ file:///home/ann/data/vsync local vaults api/prod/ ambient
    local                                      │ file:///home/ann/data/vsync local vaults api/prod/ ambient
    prefix=a/b/                                │ file:///home/ann/data/vsync local vaults a/b/ ambient
    endpoint=file:///srv                       │ file:///srv local vaults api/prod/ ambient
    bucket=acme ambient                        │ https://s3.us-east-1.amazonaws.com us-east-1 acme api/prod/ ambient
    bucket=acme region=eu-west-1 ambient       │ https://s3.eu-west-1.amazonaws.com eu-west-1 acme api/prod/ ambient
    bucket=acme region=cn-north-1 ambient      │ https://s3.cn-north-1.amazonaws.com.cn cn-north-1 acme api/prod/ ambient
    bucket=acme endpoint=https://s3.example.com/ access-key=K secret-key=S │ https://s3.example.com us-east-1 acme api/prod/ K
  `)("%s: %s", async (flags, expected) => {
    expect(await place(flagsOf(flags))).toBe(expected);
  });

  test("AWS_REGION names the region of AWS's own endpoints only", async () => {
    vi.stubEnv("AWS_REGION", "eu-north-1");
    expect(await place(flagsOf("bucket=b ambient"))).toMatch(/^https:\/\/s3\.eu-north-1\.amazonaws\.com eu-north-1 /);
    const elsewhere = flagsOf("bucket=b endpoint=https://s3.example.com ambient");
    expect(await place(elsewhere)).toMatch(/^https:\/\/s3\.example\.com us-east-1 /);
  });

  test.each(rows`
    region=eu-west-1      │ missing --bucket
    bucket=b              │ missing the credentials
    bucket=b access-key=K │ missing the secret access key
    prefix=a              │ --prefix must end in /
  `)("%s is refused: %s", async (flags, message) => {
    await expect(place(flagsOf(flags))).rejects.toThrow(message);
  });
});

describe("with a config", () => {
  const CURRENT: Record<string, object> = {
    aws: AWS,
    chain: { ...AWS, credentials: "ambient" },
    r2: { endpoint: "https://s3.example.com" },
    dir: DIRECTORY,
  };

  test.each(rows`
    aws   │ -                    │ https://s3.eu-west-1.amazonaws.com eu-west-1 vaults api/prod/ AKIAEXAMPLE
    aws   │ region=eu-north-1    │ https://s3.eu-north-1.amazonaws.com eu-north-1 vaults api/prod/ AKIAEXAMPLE
    r2    │ region=eu-north-1    │ https://s3.example.com eu-north-1 vaults api/prod/ AKIAEXAMPLE
    aws   │ prefix=x/            │ https://s3.eu-west-1.amazonaws.com eu-west-1 vaults x/ AKIAEXAMPLE
    aws   │ ambient              │ https://s3.eu-west-1.amazonaws.com eu-west-1 vaults api/prod/ ambient
    chain │ bucket=b             │ https://s3.eu-west-1.amazonaws.com eu-west-1 b api/prod/ ambient
    aws   │ endpoint=file:///srv │ file:///srv local vaults api/prod/ ambient
    aws   │ local                │ file:///home/ann/data/vsync local vaults api/prod/ ambient
    dir   │ -                    │ file:///srv/vaults local v api/prod/ ambient
    dir   │ prefix=x/            │ file:///srv/vaults local v x/ ambient
    dir   │ endpoint=file:///mnt │ file:///mnt local vaults api/prod/ ambient
    dir   │ bucket=acme ambient  │ https://s3.us-east-1.amazonaws.com us-east-1 acme api/prod/ ambient
  `)("of %s, %s: %s", async (current = "", flags, expected) => {
    expect(await place(flagsOf(flags), CURRENT[current])).toBe(expected);
  });

  test.each(rows`
    aws   │ endpoint=https://s3.example.org
    r2    │ endpoint=https://s3.example.org
    chain │ endpoint=https://s3.example.org
    aws   │ region=cn-north-1
  `)("%s: its credentials do not go to %s", async (current = "", flags) => {
    await expect(place(flagsOf(flags), CURRENT[current])).rejects.toThrow("missing the credentials");
  });
});
