import { signedHeaders } from "../sign.ts";
import { bucketUrl, requireUsable, urlOf } from "./address.ts";
import { isWebPage, MAX_BODY_BYTES, readUpTo, wholeBody } from "./bodies.ts";
import { Call, type CallBounds, type Sending } from "./call.ts";
import { type Exchange, type HttpAnswer, type HttpRequest, networkExchange } from "./exchange.ts";
import { type Answer, type Inquiry, RefusedError, WebPageError } from "./failure.ts";
import { type Keys, preparesKeys } from "./keys.ts";
import { DEFAULT_LIMITS, hostOf, labelOf, type S3Limits, type S3Location, type S3Options } from "./options.ts";
import { traceRequest } from "./trace.ts";

type Verb = "read" | "write" | "delete" | "list";

interface Reading {
  readonly method: "GET" | "HEAD";
  /** Relative to the prefix. */
  readonly key: string;
  /** An ETag. If the object still has it, the server answers 304. */
  readonly unless?: string | undefined;
}

/** The response to a conditional GET of an unchanged object. */
export const NOT_MODIFIED = 304;

/** Signed requests to one prefix of one bucket. */
export class Connection {
  readonly location: S3Location;
  readonly limits: S3Limits;
  /** How many digests of the body the server has demanded. */
  digests = 0;
  readonly #options: S3Options;
  readonly #exchange: Exchange;
  readonly #bucketUrl: string;

  /**
   * @throws InputError the location cannot hold a vault
   */
  constructor(location: S3Location, options: S3Options) {
    requireUsable(location);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.location = location;
    this.#bucketUrl = bucketUrl(location);
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

  /** Starts the time limit of one call of the store. */
  call(verb: Verb, key: string, bounds?: CallBounds): Call {
    const prepare = preparesKeys(this.location, this.#options);
    return new Call(() => this.#inquiry(`${verb} ${this.name(key)}`), prepare, this.#options, bounds);
  }

  #inquiry(action: string): Inquiry {
    const { bucket, region, credentials } = this.location;
    const mayExpire = credentials === "ambient" || credentials.sessionToken !== undefined;
    const { network } = this.#options;
    return { action, bucket, region, host: hostOf(this.location), mayExpire, network, nowMs: this.nowMs() };
  }

  /**
   * Sends one request and resolves with the head of a successful response. The caller reads its body.
   *
   * @throws RefusedError the status is not 2xx (or 304 for `unless`)
   */
  async read({ method, key, unless }: Reading, sending: Sending): Promise<HttpAnswer> {
    const url = urlOf(this.#bucketUrl, `${this.location.prefix}${key}`);
    const signed = await this.#signed(method, url, sending.keys);
    if (unless === undefined) return this.exchange({ method, url, headers: signed }, sending);
    // Not signed: if a proxy drops it, the response only gets longer.
    return this.exchange({ method, url, headers: { ...signed, "if-none-match": unless } }, sending, NOT_MODIFIED);
  }

  /** Like `read`, for a response whose body does not matter. */
  async readHead(key: string, sending: Sending): Promise<HttpAnswer> {
    const answer = await this.read({ method: "HEAD", key }, sending);
    const body = await wholeBody(answer.body, MAX_BODY_BYTES);
    if (isWebPage({}, body)) throw new WebPageError();
    return answer;
  }

  /**
   * Sends a signed request.
   *
   * @throws RefusedError the status is neither 2xx nor `alsoGood`
   */
  async exchange(request: HttpRequest, { keys, signal }: Sending, alsoGood?: number): Promise<HttpAnswer> {
    // Not signed: a proxy may change both.
    const own = { "user-agent": this.#options.userAgent ?? "vsync", "accept-encoding": "identity" };
    const answer = await this.#traced({ ...request, headers: { ...request.headers, ...own } }, signal);
    if ((answer.status >= 200 && answer.status < 300) || answer.status === alsoGood) return answer;
    throw new RefusedError(await readRefusal(answer, request.url, keys));
  }

  async #traced(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const sentMs = this.nowMs();
    let answer: HttpAnswer | undefined;
    try {
      answer = await this.#exchange(request, signal);
      // Some proxies compress anyway. A HEAD has nothing to decompress.
      if (!answer.headers["content-encoding"] || request.method === "HEAD") return answer;
      return (await import("./encoding.ts")).decompressed(answer);
    } finally {
      traceRequest(request, answer, this.nowMs() - sentMs);
    }
  }

  #signed(method: string, url: URL, keys: Keys): Promise<Record<string, string>> {
    const { region, requesterPays } = this.location;
    const headers = requesterPays ? { "x-amz-request-payer": "requester" } : {};
    return signedHeaders({ method, url, headers, region, nowMs: this.nowMs() }, keys);
  }
}

async function readRefusal({ status, headers, body }: HttpAnswer, url: URL, keys: Keys): Promise<Answer> {
  const bytes = (await readUpTo(body, MAX_BODY_BYTES)) ?? new Uint8Array();
  // Loaded only here, because readers rarely need to parse XML.
  const { readError } = await import("./xml.ts");
  const field = readError(bytes);
  return {
    status,
    headers,
    code: field("Code") ?? "",
    said: withoutKeys(field("Message") ?? "", keys),
    isWebPage: isWebPage(headers, bytes),
    isTlsOnly: url.protocol === "http:" && (isOnTls(headers["location"], url) || saysTls(status, bytes)),
    endpointField: field("Endpoint"),
    regionField: field("Region"),
    serverTimeField: field("ServerTime"),
  };
}

/** Whether a redirect leads to the same server, on TLS. */
function isOnTls(location: string | undefined, { hostname }: URL): boolean {
  if (location === undefined || !URL.canParse(location)) return false;
  const target = new URL(location);
  return target.protocol === "https:" && target.hostname === hostname;
}

/** How Go, nginx and Apache answer a request without TLS on a port for TLS. */
function saysTls(status: number, bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  return status === 400 && /HTTP request (was sent )?to (an )?HTTPS|plain HTTP to an SSL/i.test(text);
}

/** A server may repeat what it was sent. */
function withoutKeys(text: string, { secretAccessKey, sessionToken }: Keys): string {
  return [secretAccessKey, sessionToken].reduce<string>(
    (rest, key) => (key === undefined ? rest : rest.replaceAll(key, "[secret]")),
    text,
  );
}
