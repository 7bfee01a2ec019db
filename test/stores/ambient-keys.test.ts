/** @module-tag process */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { CredentialsError } from "../../src/s3/wire/keys.ts";
import { findsAmbientKeys } from "../../src/stores/ambient-keys.ts";

let folder: string;
let server: Server;
let answer: (response: ServerResponse) => void;
let url: string;
let configs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-ambient-"));
  server = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  answer = (response) => void response.writeHead(500).end();
});
afterEach(() => void vi.unstubAllEnvs());

const NEVER = new AbortController().signal;
const KEY = { accessKeyId: "AKIA", secretAccessKey: "secret" };
const IDENTITY = { AWS_WEB_IDENTITY_TOKEN_FILE: "/no/such/file", AWS_ROLE_ARN: "arn:aws:iam::111111111111:role/r" };

async function find(variables: Record<string, string>, profile = "", limitMs = 20_000, signal = NEVER) {
  // The SDK caches a file's content by path.
  const config = join(folder, `config-${(configs += 1)}`);
  await writeFile(config, profile);
  for (const [name, value] of Object.entries({ AWS_CONFIG_FILE: config, ...variables })) vi.stubEnv(name, value);
  return findsAmbientKeys(process.env, { proxies: {} }, limitMs)("us-east-1", signal);
}

async function messageOf(...search: Parameters<typeof find>): Promise<string> {
  const error: unknown = await find(...search).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CredentialsError);
  return (error as CredentialsError).message;
}

test("keys come from variables, the profile and its program", async () => {
  const program = `credential_process = echo '{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"secret"}'`;
  for (const search of [
    () => find({ AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret" }),
    () => find({}, "[default]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n"),
    () => find({ AWS_PROFILE: "p" }, `[profile p]\n${program}\n`),
  ]) {
    const { accessKeyId, secretAccessKey } = await search();
    expect({ accessKeyId, secretAccessKey: secretAccessKey.exposeText() }).toEqual(KEY);
    vi.unstubAllEnvs();
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  }
});

test.each<[variables: Record<string, string>, profile: string, message: string]>([
  [{}, "", "no ambient credentials on this machine"],
  [{ AWS_ACCESS_KEY_ID: "A" }, "", "no ambient credentials: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"],
  [
    { AWS_PROFILE: "p" },
    "",
    "no ambient credentials from profile p: Could not resolve credentials using profile: [p] in configuration/credentials file(s)",
  ],
  [
    {},
    '[default]\ncredential_process = sh -c "echo planted-password >/dev/null; echo boom >&2; exit 3"',
    "no ambient credentials from profile default: the program of credential_process failed: boom",
  ],
  [
    {},
    "[default]\ncredential_process = echo hi",
    "no ambient credentials from profile default: Profile default credential_process returned invalid JSON",
  ],
  [
    IDENTITY,
    "",
    "no ambient credentials from AWS_WEB_IDENTITY_TOKEN_FILE: ENOENT: no such file or directory, open '/no/such/file'",
  ],
  [
    { ...IDENTITY, AWS_WEB_IDENTITY_TOKEN_FILE: "/dev/zero" },
    "",
    "no ambient credentials from AWS_WEB_IDENTITY_TOKEN_FILE: /dev/zero is not a file",
  ],
  [{ AWS_SHARED_CREDENTIALS_FILE: "/" }, "", "no ambient credentials: cannot read / (EISDIR)"],
  [{ AWS_CONFIG_FILE: "/no/such/file" }, "", "no ambient credentials: cannot read /no/such/file (ENOENT)"],
  [{ AWS_PROFILE: "p", AWS_CONFIG_FILE: "/" }, "", "no ambient credentials: cannot read / (EISDIR)"],
  [
    { ...IDENTITY, AWS_CONFIG_FILE: "/" },
    "",
    "no ambient credentials from AWS_WEB_IDENTITY_TOKEN_FILE: ENOENT: no such file or directory, open '/no/such/file'",
  ],
])("%j with %j: the message names the source", async (variables, profile, message) => {
  expect(await messageOf(variables, profile)).toBe(message);
});

test("an STS error about a role comes with its code", async () => {
  answer = (response) => {
    const error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no such trust</Message></Error>";
    response.writeHead(403, { "content-type": "text/xml" }).end(`<ErrorResponse>${error}</ErrorResponse>`);
  };
  await writeFile(join(folder, "token"), "x");
  const variables = { ...IDENTITY, AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"), AWS_ENDPOINT_URL_STS: url };
  expect(await messageOf(variables)).toBe(
    "no ambient credentials from AWS_WEB_IDENTITY_TOKEN_FILE: AccessDenied: no such trust",
  );
});

test("a refusal by an instance's metadata service is quoted, not advice about its settings", async () => {
  answer = (response) => void response.writeHead(403).end();
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", undefined);
  expect(await messageOf({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url })).not.toMatch(/checking config file/);
});

const pipes = (): number => process.getActiveResourcesInfo().filter((name) => /^Pro|^Pipe/.test(name)).length;

const SILENT = [
  ["AWS_CONTAINER_CREDENTIALS_FULL_URI", ""],
  ["profile default", "[default]\ncredential_process = sleep 60"],
] as const;

/** Also counts the requests that the server never answers. */
function neverAnswers() {
  const seen = { opened: 0, closed: 0 };
  answer = (response) => {
    seen.opened += 1;
    response.on("close", () => (seen.closed += 1));
  };
  return seen;
}
/** Whether there is a process or a request that was not there `before`. */
const isLeft = (before: number, { opened, closed }: ReturnType<typeof neverAnswers>): boolean =>
  pipes() > before || opened > closed;
const silentIn = (profile: string): Record<string, string> =>
  profile === "" ? { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/x` } : {};

test.each(SILENT)("%s that never answers: given up, and nothing that it opened stays open", async (source, profile) => {
  const before = pipes();
  const warn = vi.spyOn(console, "warn");
  const seen = neverAnswers();
  expect(await messageOf(silentIn(profile), profile, 1500)).toBe(
    `no ambient credentials: ${source} did not give any within 1.5 s`,
  );
  expect(warn).not.toHaveBeenCalled();
  await expect.poll(() => isLeft(before, seen)).toBe(false);
});

test.each(SILENT)(
  "%s that never answers, and a caller that has stopped waiting: likewise",
  async (_source, profile) => {
    const before = pipes();
    const seen = neverAnswers();
    const caller = new AbortController();
    const search = find(silentIn(profile), profile, 60_000, caller.signal);
    await expect.poll(() => isLeft(before, seen)).toBe(true);
    caller.abort(new Error("enough"));
    await expect(search).rejects.toThrow("enough");
    await expect.poll(() => isLeft(before, seen)).toBe(false);
  },
);
