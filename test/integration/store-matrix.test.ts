import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { provePreconditions } from "../../src/cli/init/prepare-store.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { VsyncError } from "../../src/errors.ts";
import type { StoreLocation } from "../../src/stores/location.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { collect, text } from "../contract/fixture.ts";
import { startProxy, startTlsFront } from "../support/proxies.ts";
import { ROOT, type StrictS3, type StrictS3Options, startStrictS3 } from "../support/strict-s3/server.ts";

/*
 * The table of docs/s3.md. Each row starts a store that behaves so, proves it as `init` does, and then writes, reads, lists
 * and removes an object. UPDATE_MATRIX=1 writes the rows into the page.
 */

const PAGE = new URL("../../docs/s3.md", import.meta.url);
const [BEGIN, END] = ["<!-- begin: store matrix -->\n", "<!-- end: store matrix -->\n"];

interface Setting {
  readonly name: string;
  readonly server?: StrictS3Options;
  /** Arms faults, starts proxies, sets variables; returns what of the location differs. */
  readonly arrange?: (server: StrictS3) => Partial<StoreLocation> | Promise<Partial<StoreLocation>>;
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
  { name: "Object Lock with a default retention", server: { wantsDigest: true } },
  { name: "ignores preconditions", server: { ignores: ["if-match", "if-none-match"] } },
  { name: "ignores If-Match", server: { ignores: ["if-match"] } },
  { name: "checks If-None-Match, but not against a race", server: { races: { on: ["if-none-match"], ms: 50 } } },
  { name: "checks If-Match, but not against a race", server: { races: { on: ["if-match"], ms: 50 } } },
  {
    name: "knows no conditional writes",
    arrange: ({ faults }) => {
      faults.add({ method: "PUT" }, everything({ status: 501, code: "NotImplemented" }), 100);
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
    name: "the key may not use the bucket's KMS key",
    arrange: ({ faults }) => {
      const body =
        "<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:GenerateDataKey</Message></Error>";
      faults.add({ method: "PUT" }, everything({ status: 403, body }), 100);
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
      return { credentials: "ambient" };
    },
  },
];

let folder: string;
const rows: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-matrix-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^AWS_|_PROXY$/i.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("HOME", folder);
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

test.each(SETTINGS)("$name", async ({ name, server: options = {}, arrange }) => {
  const server = await startStrictS3(options);
  own({ [Symbol.asyncDispose]: () => server.close() });
  const { endpoint, region } = server;
  const place = { endpoint, region, bucket: "strict", prefix: "api/prod/", credentials: credentials() };
  const verdict = withoutPorts(await verdictOn({ ...place, ...(await arrange?.(server)) }));
  rows.push(`| ${name} | ${verdict} |`);
});

test("docs/s3.md has these rows", async () => {
  const table = ["| store or setting | what `init` says |", "|---|---|", ...rows, ""].join("\n");
  const page = await readFile(PAGE, "utf8");
  const [before = "", rest = ""] = page.split(BEGIN);
  const after = rest.split(END)[1] ?? "";
  const wanted = before + BEGIN + table + END + after;
  if (process.env["UPDATE_MATRIX"]) await writeFile(PAGE, wanted);
  else expect(page).toBe(wanted);
});
