import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { provePreconditions } from "../../src/cli/init/prepare-store.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { VsyncError } from "../../src/errors.ts";
import type { StoreLocation } from "../../src/stores/location.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { collect, text } from "../contract/fixture.ts";
import { openServer } from "../support/black-hole.ts";
import { expectTable } from "../support/page-table.ts";
import { startProxy, startTlsFront } from "../support/proxies.ts";
import { ROOT, type StrictS3, type StrictS3Options, startStrictS3 } from "../support/strict-s3/server.ts";

/*
 * The table of docs/s3.md. Each row starts a store that behaves so, proves it as `init` does, and then writes, reads, lists
 * and removes an object. UPDATE_MATRIX=1 writes the rows into the page.
 */

interface Setting {
  readonly name: string;
  readonly server?: StrictS3Options;
  /** Arms faults, starts proxies, sets variables; returns the changes to the location. */
  readonly arrange?: (server: StrictS3) => Partial<StoreLocation> | Promise<Partial<StoreLocation>>;
  /** Whether something never responds: then the clock is advanced, up to vsync's own limit. */
  readonly isSilent?: boolean;
}

const started: AsyncDisposable[] = [];
const own = <T extends AsyncDisposable>(it: T): T => {
  started.push(it);
  return it;
};
const portOf = ({ endpoint }: StrictS3): number => Number(new URL(endpoint).port);
const credentials = (overrides: object = {}): StoreLocation["credentials"] => ({
  accessKeyId: ROOT.accessKeyId,
  secretAccessKey: Secret.ofText(ROOT.secretAccessKey),
  ...overrides,
});
const everything = (fault: object) => ({ kind: "answer", apply: false, status: 200, ...fault }) as const;

async function certificateFile(pem: string): Promise<string> {
  const path = join(folder, "ca.pem");
  await writeFile(path, pem);
  return path;
}

async function overTls(server: StrictS3, isTrusted: boolean): Promise<Partial<StoreLocation>> {
  const front = own(await startTlsFront(portOf(server)));
  if (isTrusted) vi.stubEnv("AWS_CA_BUNDLE", await certificateFile(front.certificate));
  return { endpoint: `https://127.0.0.1:${front.port}` };
}

async function behindProxy(
  server: StrictS3,
  wanted: string | undefined,
  given: string,
): Promise<Partial<StoreLocation>> {
  const proxy = own(await startProxy(wanted));
  vi.stubEnv("HTTPS_PROXY", `http://${given}127.0.0.1:${proxy.port}`);
  const front = own(await startTlsFront(portOf(server)));
  vi.stubEnv("AWS_CA_BUNDLE", await certificateFile(front.certificate));
  return { endpoint: `https://store.example.test:${front.port}` };
}

/** The address of a server that accepts requests and never responds. */
async function silence(): Promise<string> {
  const { port } = own(await openServer(() => undefined));
  return `http://127.0.0.1:${port}`;
}

async function profile(content: string): Promise<void> {
  const path = join(folder, createHash("sha256").update(content).digest("hex"));
  await writeFile(path, content);
  vi.stubEnv("AWS_CONFIG_FILE", path);
}

const AMBIENT = { credentials: "ambient" } as const;
const START = "example";

/** A profile whose sign-in token is still valid, so the portal is asked next. */
async function signedIn(): Promise<void> {
  const cache = join(folder, ".aws/sso/cache");
  await mkdir(cache, { recursive: true });
  const name = createHash("sha1").update(START).digest("hex");
  const token = { accessToken: "token", expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  await writeFile(join(cache, `${name}.json`), JSON.stringify(token));
  const session = `[sso-session ${START}]\nsso_start_url = https://example.test/start\nsso_region = us-east-1\n`;
  const account = "sso_account_id = 111122223333\nsso_role_name = it\n";
  await profile(`${session}[default]\nsso_session = ${START}\n${account}`);
}

const KEY = "arn:aws:kms:us-east-1:111122223333:key/a1b2";
const PAID = { terms: { requesterPays: true } };
const ENCRYPTED = { terms: { kmsKey: KEY, bucketKey: true } };

const SETTINGS: readonly Setting[] = [
  { name: "keeps conditional writes" },
  { name: "ETags in quotes, If-Match only without (Ceph 16)", server: { unquotedIfMatch: true } },
  { name: 'a proxy makes ETags weak (`W/"…"`)', server: { proxiedEtag: (etag) => `W/${etag}` } },
  {
    name: "a proxy makes the ETags of HEAD alone weak",
    server: { proxiedEtag: (etag, method) => (method === "HEAD" ? `W/${etag}` : etag) },
  },
  {
    name: "a proxy gives reads ETags of its own",
    server: { proxiedEtag: (etag, method) => (method === "PUT" ? etag : etag.replace(/"$/, '-gzip"')) },
  },
  { name: "a proxy compresses what is read", server: { compresses: true, proxiedEtag: (etag) => `W/${etag}` } },
  { name: "Object Lock with a default retention", server: { wantsDigest: true } },
  { name: "ignores preconditions", server: { ignores: ["if-match", "if-none-match"] } },
  { name: "ignores If-Match", server: { ignores: ["if-match"] } },
  { name: "checks If-None-Match, but not against a race", server: { isBlindTo: "if-none-match" } },
  { name: "checks If-Match, but not against a race", server: { isBlindTo: "if-match" } },
  {
    name: "knows no conditional writes",
    arrange: ({ faults }) => {
      faults.add({ method: "PUT" }, everything({ status: 501, code: "NotImplemented" }), 100);
      return {};
    },
  },
  {
    name: "refuses the headers of conditional writes",
    arrange: ({ faults }) => {
      const body = "<Error><Code>InvalidArgument</Code><Message>Unsupported header 'if-none-match'</Message></Error>";
      faults.add({ method: "PUT" }, everything({ status: 400, body }), 100);
      return {};
    },
  },
  {
    name: "redirects to another endpoint",
    arrange: ({ faults }) => {
      const headers = { Location: "http://eu.example.test/strict/it" };
      faults.add({}, everything({ status: 307, code: "TemporaryRedirect", headers }), 100);
      return {};
    },
  },
  {
    name: "`http://`, and the server wants TLS",
    arrange: ({ faults }) => {
      const body = "Client sent an HTTP request to an HTTPS server.";
      faults.add({}, everything({ status: 400, body, headers: { "Content-Type": "text/plain" } }), 100);
      return {};
    },
  },
  {
    name: "lists from a cache",
    arrange: ({ faults }) => {
      const body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
      faults.add({ method: "GET", key: "" }, everything({ body }), 100);
      return {};
    },
  },
  {
    name: "a sign-in page answers (captive portal)",
    arrange: ({ faults }) => {
      const headers = { "Content-Type": "text/html" };
      faults.add({}, everything({ body: "<html>Sign in</html>", headers }), 100);
      return {};
    },
  },
  {
    name: "a sign-in page answers with status 511 (RFC 6585)",
    arrange: ({ faults }) => {
      const headers = { "Content-Type": "text/html" };
      faults.add({}, everything({ status: 511, body: "<html>Sign in</html>", headers }), 100);
      return {};
    },
  },
  {
    name: "a redirect to a sign-in page",
    arrange: ({ faults }) => {
      const headers = { Location: "http://portal.example.test/", "Content-Type": "text/html" };
      faults.add({}, everything({ status: 302, body: "<html>Moved</html>", headers }), 100);
      return {};
    },
  },
  {
    name: "the key may not use the bucket's KMS key",
    arrange: ({ faults }) => {
      const body =
        "<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:GenerateDataKey</Message></Error>";
      faults.add({ method: "PUT" }, everything({ status: 403, body }), 100);
      return {};
    },
  },
  {
    name: "a bucket over its quota, of which the server says so",
    arrange: ({ faults }) => {
      const body = "<Error><Code>QuotaExceeded</Code><Message>The bucket holds 5 GiB of 5 GiB.</Message></Error>";
      faults.add({ method: "PUT" }, everything({ status: 403, body }), 100);
      return {};
    },
  },
  {
    name: "a refusal with escapes for a terminal, longer than a screen",
    arrange: ({ faults }) => {
      const said = `&#x1b;[31mnot in this storage class &#x202e; ${"and so on ".repeat(100)}`;
      const body = `<Error><Code>InvalidStorageClass</Code><Message>${said}</Message></Error>`;
      faults.add({ method: "PUT" }, everything({ status: 400, body }), 100);
      return {};
    },
  },
  { name: "Requester Pays, with `--requester-pays`", server: PAID, arrange: () => ({ requesterPays: true }) },
  { name: "Requester Pays, without it", server: PAID },
  {
    name: "a bucket policy that wants SSE-KMS with Bucket Keys, with `--kms-key=<arn> --bucket-key`",
    server: ENCRYPTED,
    arrange: () => ({ kmsKey: KEY, bucketKey: true }),
  },
  { name: "the same, without them", server: ENCRYPTED },
  { name: "no such bucket", arrange: () => ({ bucket: "other" }) },
  { name: "another region than the bucket's", arrange: () => ({ region: "eu-west-1" }) },
  { name: "the bucket is also in the endpoint's path", arrange: (it) => ({ endpoint: `${it.endpoint}/strict` }) },
  {
    name: "the bucket is also in AWS's host name",
    arrange: () => ({ endpoint: "https://strict.s3.eu-west-1.amazonaws.com" }),
  },
  { name: "an access point's ARN", arrange: () => ({ bucket: "arn:aws:s3:us-east-1:111122223333:accesspoint:it" }) },
  { name: "a directory bucket (S3 Express One Zone)", arrange: () => ({ bucket: "it--use1-az4--x-s3" }) },
  { name: "`AWS_CA_BUNDLE` names the server's authority", arrange: (it) => overTls(it, true) },
  {
    name: "`AWS_CA_BUNDLE` names a file with a broken certificate",
    arrange: async () => {
      const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
      vi.stubEnv("AWS_CA_BUNDLE", await certificateFile(broken));
      return {};
    },
  },
  { name: "nobody trusts the server's authority", arrange: (it) => overTls(it, false) },
  { name: "`HTTPS_PROXY`", arrange: (it) => behindProxy(it, undefined, "") },
  { name: "`HTTPS_PROXY` with a user and a password", arrange: (it) => behindProxy(it, "ann:p@ss", "ann:p%40ss@") },
  { name: "`HTTPS_PROXY` without the password that it wants", arrange: (it) => behindProxy(it, "ann:p@ss", "") },
  {
    name: "`NO_PROXY` names the store",
    arrange: () => {
      vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
      vi.stubEnv("NO_PROXY", "127.0.0.1");
      return {};
    },
  },
  {
    name: "a SOCKS proxy",
    arrange: () => {
      vi.stubEnv("HTTPS_PROXY", "socks5://127.0.0.1:1080");
      return {};
    },
  },
  {
    name: "a session token with a line end in it",
    arrange: () => ({ credentials: credentials({ sessionToken: Secret.ofText("a\nb") }) }),
  },
  {
    name: "ambient credentials whose token file is missing",
    arrange: () => {
      vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/file");
      vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/it");
      return AMBIENT;
    },
  },
  {
    name: "ambient credentials in a file that cannot be read",
    arrange: () => {
      vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", folder);
      return AMBIENT;
    },
  },
  {
    name: "ambient credentials, and ECS's endpoint for them never answers",
    isSilent: true,
    arrange: async () => {
      vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${await silence()}/credentials`);
      return AMBIENT;
    },
  },
  {
    // The SDK gives up after two seconds, by timers of its sockets, which a test cannot hasten.
    name: "the same of an EC2 instance's metadata service",
    arrange: async () => {
      vi.stubEnv("AWS_EC2_METADATA_DISABLED", undefined);
      vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", await silence());
      return AMBIENT;
    },
  },
  {
    name: "the same of STS, for a web identity",
    isSilent: true,
    arrange: async () => {
      const path = join(folder, "identity");
      await writeFile(path, "token");
      vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", path);
      vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/it");
      vi.stubEnv("AWS_ENDPOINT_URL_STS", await silence());
      return AMBIENT;
    },
  },
  {
    name: "the same of IAM Identity Center (SSO)",
    isSilent: true,
    arrange: async () => {
      vi.stubEnv("AWS_ENDPOINT_URL_SSO", await silence());
      await signedIn();
      return AMBIENT;
    },
  },
  {
    name: "the same of the program that `credential_process` names",
    isSilent: true,
    arrange: async () => {
      await profile("[default]\ncredential_process = sleep 600\n");
      return AMBIENT;
    },
  },
];

let folder: string;
const seen = new Map<string, string>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-matrix-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^AWS_|_PROXY$/i.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("HOME", folder);
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const it of started.splice(0)) await it[Symbol.asyncDispose]();
});

/** `works`, or the words of the refusal. */
async function verdictOn(location: StoreLocation): Promise<string> {
  try {
    const store = await openStore(location);
    await provePreconditions(store, location);
    const version = await store.create("manifest", text("one"));
    expect((await store.get("manifest", { maxBytes: 10 }))?.version).toBe(version);
    await store.replace("manifest", text("two"), version);
    expect(await collect(store.list(""))).toEqual(["manifest"]);
    await store.delete("manifest");
    return "works";
  } catch (error) {
    if (!(error instanceof VsyncError)) throw error;
    return `refused: \`${error.message}\``;
  }
}

const withoutPorts = (verdict: string): string =>
  verdict
    .replace(/127\.0\.0\.1:\d{2,}/g, "<host>")
    .replace(/example\.test:\d+/g, "example.test")
    .replaceAll(folder, "<folder>")
    .replace(/probe-[0-9a-f]{16}/g, "probe-…");

/** Runs it with a clock that is 25 times as fast. */
async function hastened<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const ahead = setInterval(() => vi.advanceTimersByTime(250), 10);
  try {
    return await work();
  } finally {
    clearInterval(ahead);
    vi.useRealTimers();
  }
}

test.each(SETTINGS)("$name", async ({ name, server: options = {}, arrange, isSilent = false }) => {
  const server = await startStrictS3(options);
  own({ [Symbol.asyncDispose]: () => server.close() });
  const { endpoint, region } = server;
  const place = { endpoint, region, bucket: "strict", prefix: "api/prod/", credentials: credentials() };
  const location = { ...place, ...(await arrange?.(server)) };
  const verdict = isSilent ? await hastened(() => verdictOn(location)) : await verdictOn(location);
  seen.set(name, withoutPorts(verdict));
});

test("docs/s3.md has these rows", () => expectTable("store matrix", ["store or setting", "what `init` says"], seen));
