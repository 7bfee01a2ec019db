import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readAwsSetup } from "../../../src/cli/config/aws-setup.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "vsync-aws-"));
  mkdirSync(join(home, ".aws"));
  vi.stubEnv("HOME", home);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(home, ".aws", name), text);
const CONFIG = `[default]
region=us-west-2
[profile work]
sso_session = acme
region = eu-north-1
s3 =
  region = not-this-one
[sso-session acme]
region = eu-west-1
`;

test("finds nothing on a bare machine", async () => {
  expect(await readAwsSetup({})).toEqual({ region: null, source: null, profiles: [] });
});

test("the profile in force, its region, and the profiles of both files", async () => {
  write("config", CONFIG);
  write("credentials", "[keys]\r\naws_access_key_id = AKIA\r\naws_secret_access_key = planted\r\n");
  const profiles = ["default", "keys", "work"];
  expect(await readAwsSetup({})).toEqual({ region: "us-west-2", source: "profile default", profiles });
  expect(await readAwsSetup({ AWS_PROFILE: "work" })).toEqual({
    region: "eu-north-1",
    source: "profile work",
    profiles,
  });
  expect(await readAwsSetup({ AWS_PROFILE: "keys" })).toEqual({ region: null, source: "profile keys", profiles });
  expect(await readAwsSetup({ AWS_PROFILE: "none" })).toEqual({ region: null, source: null, profiles });
});

test("variables win over files", async () => {
  write("config", CONFIG);
  expect(await readAwsSetup({ AWS_REGION: "ap-south-1" })).toMatchObject({ region: "ap-south-1" });
  expect(await readAwsSetup({ AWS_DEFAULT_REGION: "ap-south-1" })).toMatchObject({ region: "ap-south-1" });
  expect(await readAwsSetup({ AWS_ACCESS_KEY_ID: "AKIA" })).toMatchObject({ source: "AWS_ACCESS_KEY_ID" });
  expect(await readAwsSetup({ AWS_ACCESS_KEY_ID: "AKIA", AWS_PROFILE: "work" })).toMatchObject({
    source: "profile work",
  });
});

test("the files can be elsewhere", async () => {
  write("elsewhere", "[default]\nregion = ca-central-1\n");
  write("keys", "[other]\n");
  const env = {
    AWS_CONFIG_FILE: join(home, ".aws", "elsewhere"),
    AWS_SHARED_CREDENTIALS_FILE: join(home, ".aws", "keys"),
  };
  expect(await readAwsSetup(env)).toMatchObject({ region: "ca-central-1", profiles: ["default", "other"] });
});
