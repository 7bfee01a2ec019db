import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { requireUsable, urlOf } from "./address.ts";
import { isWebPage, readUpTo, wholeBody } from "./bodies.ts";
import { Call, type CallBounds, type Sending } from "./call.ts";
import { type Exchange, type HttpAnswer, networkExchange } from "./exchange.ts";
import { type Answer, RefusedError, WebPageError } from "./failure.ts";
import { type Keys, preparesKeys } from "./keys.ts";
import { DEFAULT_LIMITS, hostOf, labelOf, type S3Limits, type S3Location, type S3Options } from "./options.ts";

type Verb = "read" | "write" | "delete" | "list";

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** Below the prefix; undefined for a request about the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Of an error, and of the answer to a write. A longer error counts by its status alone. */
const MAX_BODY_BYTES = 64 * 1024;

/** Signed requests to one prefix of one bucket. */
export class Connection {
  readonly location: S3Location;
  readonly limits: S3Limits;
  readonly #options: S3Options;
  readonly #exchange: Exchange;
  readonly #derivedKeys = new Map<string, ArrayBuffer>();
  #wantsDigest = false;

  /** @throws InputError no vault can be at this location */
  constructor(location: S3Location, options: S3Options) {
    requireUsable(location);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.location = location;
    this.#options = options;
    this.#exchange = options.exchange ?? networkExchange(this.limits.connectTimeoutMs, options.network);
  }

  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The object's name for messages: `s3://bucket/prefix/key`. */
  name(key: string): string {
    return `${labelOf(this.location)}${key}`;
  }

  /** Starts the time for one call of the store. */
  call(verb: Verb, key: string, bounds?: CallBounds): Call {
    const { bucket, region, credentials } = this.location;
    const { network } = this.#options;
    const host = hostOf(this.location);
    const mayExpire = credentials === "ambient" || credentials.sessionToken !== undefined;
    const inquiry = { action: `${verb} ${this.name(key)}`, bucket, region, host, mayExpire, network };
    const prepare = preparesKeys(this.location, this.#options);
    return new Call(() => ({ ...inquiry, nowMs: this.nowMs() }), prepare, this.#options, bounds);
  }

  /**
   * Sends one request and resolves with the head of a good answer. The caller reads its body.
   *
   * @throws RefusedError the server answered with another status than 2xx
   */
  async send(request: S3Request, sending: Sending): Promise<HttpAnswer> {
    try {
      return await this.#sendOnce(request, sending);
    } catch (error) {
      // Object Lock with a default retention: the server wants a digest of the body. Others refuse one.
      if (request.method !== "PUT" || this.#wantsDigest || !wantsDigest(error)) throw error;
      this.#wantsDigest = true;
      return this.#sendOnce(request, sending);
    }
  }

  /** As `send`, for an answer without a body worth reading. */
  async sendAndDrain(request: S3Request, sending: Sending): Promise<HttpAnswer> {
    const answer = await this.send(request, sending);
    const body = await wholeBody(answer.body, MAX_BODY_BYTES);
    if (isWebPage({}, body)) throw new WebPageError();
    return answer;
  }

  async #sendOnce(request: S3Request, { keys, signal }: Sending): Promise<HttpAnswer> {
    const { method, body } = request;
    const { location } = this;
    const key = request.key === undefined ? "" : `${location.prefix}${request.key}`;
    const url = urlOf(location, key, request.query);
    const headers = await this.#signed(request, url, keys);
    const answer = await this.#exchange({ method, url, headers, body }, signal);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new RefusedError(await readRefusal(answer, keys));
  }

  async #signed({ method, body, headers }: S3Request, url: URL, keys: Keys): Promise<Record<string, string>> {
    const digest = createHash("sha256").update(body ?? "");
    const sha256 = digest.copy().digest("hex");
    const signer = new AwsV4Signer({
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      ...(keys.sessionToken !== undefined && { sessionToken: keys.sessionToken }),
      method,
      url: url.href,
      headers: {
        ...headers,
        ...(body && this.#wantsDigest ? digestHeaders(body, digest.digest("base64")) : {}),
        "x-amz-content-sha256": sha256,
      },
      service: "s3",
      region: this.location.region,
      datetime: new Date(this.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
      cache: this.#derivedKeys,
    });
    const signed = Object.fromEntries((await signer.sign()).headers);
    return {
      ...signed,
      ...(body && { "content-length": String(body.length) }),
      "user-agent": this.#options.userAgent ?? "vsync",
    };
  }
}

/** Servers know one of the two. */
function digestHeaders(body: Uint8Array, sha256: string): Record<string, string> {
  return { "content-md5": createHash("md5").update(body).digest("base64"), "x-amz-checksum-sha256": sha256 };
}

function wantsDigest(error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false;
  const { status, code, said } = error.answer;
  return status === 400 && (code === "MissingContentMD5" || /content-md5|checksum/i.test(said));
}

async function readRefusal({ status, headers, body }: HttpAnswer, keys: Keys): Promise<Answer> {
  const bytes = (await readUpTo(body, MAX_BODY_BYTES)) ?? new Uint8Array();
  // Loaded late: a reader whose store answers needs no XML.
  const { XmlDocument } = await import("./xml.ts");
  const document = XmlDocument.read(bytes, "Error");
  return {
    status,
    headers,
    code: document?.text("Code") ?? "",
    said: withoutKeys(document?.text("Message") ?? "", keys),
    isWebPage: isWebPage(headers, bytes),
    regionField: document?.text("Region"),
    serverTimeField: document?.text("ServerTime"),
  };
}

/** A server may repeat what it was sent. */
function withoutKeys(text: string, { secretAccessKey, sessionToken }: Keys): string {
  return [secretAccessKey, sessionToken].reduce<string>(
    (rest, key) => (key === undefined ? rest : rest.replaceAll(key, "[secret]")),
    text,
  );
}
