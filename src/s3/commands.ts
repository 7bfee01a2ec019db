import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Version } from "../ports.ts";
import { strongVersion } from "./read.ts";
import { bucketUrl, encoded } from "./wire/address.ts";
import { isWebPage, MAX_BODY_BYTES, wholeBody } from "./wire/bodies.ts";
import type { Sending } from "./wire/call.ts";
import type { Connection } from "./wire/connection.ts";
import type { HttpRequest } from "./wire/exchange.ts";
import { NoEtagError, NoListingError, RefusedError, WebPageError } from "./wire/failure.ts";

/** A listing of a thousand keys of a vault has about 300 KB. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

export interface Page {
  readonly keys: readonly string[];
  /** If the listing stops at slashes: the common prefixes of longer keys. */
  readonly folders: readonly string[];
  readonly isLast: boolean;
}

/** Overwrites the expected version, or creates the object if that is null. */
export async function putObject(
  connection: Connection,
  key: string,
  bytes: Uint8Array,
  expected: Version | null,
  sending: Sending,
): Promise<Version> {
  const { digests } = connection;
  const command = new PutObjectCommand({
    ...addressOf(connection, key),
    Body: bytes,
    ...(expected === null ? { IfNoneMatch: "*" } : { IfMatch: expected }),
    ...encryptionOf(connection),
    ...(digests > 0 && { ContentMD5: digestOf(bytes, "md5") }),
    ...(digests > 1 && { ChecksumSHA256: digestOf(bytes, "sha256") }),
  });
  try {
    const { ETag } = await clientFor(connection, sending).send(command);
    if (!ETag) throw new NoEtagError();
    return strongVersion(ETag);
  } catch (error) {
    // With a default retention (Object Lock), the server requires a digest of the body: Content-MD5, which a few do not
    // count, or a checksum, which several refuse.
    if (digests > 1 || !asksForDigest(error)) throw error;
    connection.digests = digests + 1;
    return putObject(connection, key, bytes, expected, sending);
  }
}

export async function deleteObject(connection: Connection, key: string, sending: Sending): Promise<void> {
  await clientFor(connection, sending).send(new DeleteObjectCommand(addressOf(connection, key)));
}

/**
 * The first keys under the prefix that sort after `after`. Both are keys of the bucket.
 *
 * @param extent `delimiter`: where to cut keys and list a folder instead
 */
export async function listObjects(
  connection: Connection,
  prefix: string,
  { after, delimiter }: { readonly after?: string | undefined; readonly delimiter?: "/" },
  sending: Sending,
): Promise<Page> {
  const command = new ListObjectsV2Command({
    Bucket: connection.location.bucket,
    ...payerOf(connection),
    Prefix: prefix,
    // A key may contain characters that XML cannot represent.
    EncodingType: "url",
    // Not the continuation token: "after this key" stays valid even if the bucket changes in between.
    ...(after !== undefined && { StartAfter: after }),
    ...(delimiter !== undefined && { Delimiter: delimiter }),
  });
  const output = await clientFor(connection, sending, MAX_PAGE_BYTES)
    .send(command)
    .catch((error: Error) => {
      // The SDK attaches the response to an error from its parser.
      throw "$response" in error ? new NoListingError() : error;
    });
  // The SDK would read any other document as an empty listing.
  if (output.IsTruncated === undefined) throw new NoListingError();
  const decoded = decoderOf(output);
  return {
    keys: (output.Contents ?? []).flatMap(({ Key }) => (Key ? [decoded(Key)] : [])),
    folders: (output.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix ? [decoded(Prefix)] : [])),
    isLast: !output.IsTruncated,
  };
}

function addressOf(connection: Connection, key: string): { Bucket: string; Key: string; RequestPayer?: "requester" } {
  const { bucket, prefix } = connection.location;
  return { Bucket: bucket, Key: `${prefix}${key}`, ...payerOf(connection) };
}

function payerOf({ location }: Connection): { RequestPayer?: "requester" } {
  return location.requesterPays ? { RequestPayer: "requester" } : {};
}

/** For writes only: S3 answers 400 to a GET with these headers. */
function encryptionOf({ location: { kmsKey, bucketKey } }: Connection) {
  if (kmsKey === undefined) return {};
  return {
    ServerSideEncryption: "aws:kms" as const,
    SSEKMSKeyId: kmsKey,
    ...(bucketKey && { BucketKeyEnabled: true }),
  };
}

/** The AWS SDK builds, signs and parses; our connection transports. A client serves one try and has its keys. */
function clientFor(connection: Connection, sending: Sending, maxBytes = MAX_BODY_BYTES): S3Client {
  const { location } = connection;
  const handle = async (request: SignedRequest) => {
    const { status, headers, body } = await connection.exchange(unwrapped(request), sending);
    const bytes = await wholeBody(body, maxBytes);
    if (isWebPage(bytes.length === 0 ? {} : headers, bytes)) throw new WebPageError();
    return { response: { statusCode: status, headers, body: bytes } };
  };
  const client = new S3Client({
    // For some bucket names, the SDK's own rules would open a session.
    endpointProvider: () => ({ url: new URL(bucketUrl(location)) }),
    // A placeholder, because the SDK refuses regions with an underscore. The signature uses ours.
    region: "us-east-1",
    credentials: sending.keys,
    requestHandler: { handle },
    // We retry ourselves, see write.ts: a blind second try of a conditional write could collide with the first.
    maxAttempts: 1,
    // R2, B2 and others refuse the checksums that the SDK adds by default.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Costs seconds with servers that ignore it.
    expectContinueHeader: false,
    disableClockSkewCorrection: true,
    // Otherwise the SDK looks up each of these in ~/.aws/config, and a container may have no home.
    endpoint: location.endpoint,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    retryMode: "standard",
    defaultsMode: "standard",
    disableS3ExpressSessionAuth: false,
    authSchemePreference: [],
    sigv4aSigningRegionSet: [],
  });
  const signerFor = client.config.signer;
  client.config.signer = async (scheme) => {
    const signer = await signerFor(scheme);
    const signed = { signingDate: new Date(connection.nowMs()), signingRegion: location.region };
    return { sign: (request, options) => signer.sign(request, { ...options, ...signed }) };
  };
  // Removes a header that names the SDK and this machine, next to our User-Agent.
  client.middlewareStack.remove("getUserAgentMiddleware");
  return client;
}

/** What the SDK passes to its request handler. */
interface SignedRequest extends Omit<HttpRequest, "url"> {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Already encoded, unlike the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

function unwrapped({ method, protocol, hostname, port, path, query, headers, body }: SignedRequest): HttpRequest {
  const pairs = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  return { method, url: new URL(`${protocol}//${host}${path}?${pairs.join("&")}`), headers, body };
}

function digestOf(bytes: Uint8Array, name: string): string {
  return createHash(name).update(bytes).digest("base64");
}

function asksForDigest(error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false;
  const { status, code, said } = error.answer;
  return status === 400 && (code === "MissingContentMD5" || /content-md5|checksum/i.test(said));
}

/** A server that does not encode keys leaves EncodingType out. */
function decoderOf({ EncodingType }: ListObjectsV2CommandOutput): (key: string) => string {
  return EncodingType === "url" ? (key) => decodeURIComponent(key.replaceAll("+", " ")) : (key) => key;
}
