import { S3Client } from "@aws-sdk/client-s3";
import { boundBodies } from "./bounded-bodies.ts";
import { Call, type CallBounds } from "./call.ts";
import { keepDates } from "./dates.ts";
import { connectingAgents } from "./network.ts";
import {
  DEFAULT_LIMITS,
  hostOf,
  labelOf,
  type S3Limits,
  type S3Location,
  type S3Options,
  wantsPathStyle,
} from "./options.ts";

type Verb = "read" | "write" | "delete" | "list";

/** A client for one prefix of one bucket. */
export class Connection {
  readonly client: S3Client;
  readonly location: S3Location;
  readonly limits: S3Limits;
  readonly #options: S3Options;

  constructor(location: S3Location, options: S3Options) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.client = createClient(location, this.limits);
    boundBodies(this.client);
    keepDates(this.client);
    this.location = location;
    this.#options = options;
  }

  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The object's name for messages: `s3://bucket/prefix/key`. */
  name(key: string): string {
    return `${labelOf(this.location)}${key}`;
  }

  address(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.location.bucket, Key: `${this.location.prefix}${key}` };
  }

  /** Starts the time for one call of the store. */
  call(verb: Verb, key: string, bounds?: CallBounds): Call {
    const { bucket, region, credentials } = this.location;
    const host = hostOf(this.location);
    const mayExpire = credentials === "ambient" || credentials.sessionToken !== undefined;
    const inquiry = { action: `${verb} ${this.name(key)}`, bucket, region, host, mayExpire };
    return new Call(() => ({ ...inquiry, nowMs: this.nowMs() }), this.#options, bounds);
  }
}

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

function createClient(location: S3Location, limits: S3Limits): S3Client {
  return new S3Client({
    endpoint: location.endpoint,
    region: location.region,
    forcePathStyle: wantsPathStyle(location),
    ...credentialsOf(location),
    // A second try of a conditional write would meet the first one's work: we do the retrying, see write.ts.
    maxAttempts: 1,
    // R2, B2 and others refuse the checksums that the SDK adds by default
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // The SDK would quietly correct, from the second request on, what we report of the first.
    disableClockSkewCorrection: true,
    // Servers that ignore it cost seconds.
    expectContinueHeader: false,
    // The endpoint decides, not what this machine's AWS configuration says.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    // The SDK looks up each of these in ~/.aws/config unless told, and a container may have no home.
    retryMode: "standard",
    defaultsMode: "standard",
    disableS3ExpressSessionAuth: false,
    authSchemePreference: [],
    userAgentAppId: async () => undefined,
    logger: SILENT,
    requestHandler: { ...connectingAgents(limits.connectTimeoutMs), logger: SILENT },
  });
}

function credentialsOf({ credentials }: S3Location) {
  if (credentials === "ambient") return {};
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    credentials: async () => ({
      accessKeyId,
      secretAccessKey: secretAccessKey.exposeText(),
      ...(sessionToken && { sessionToken: sessionToken.exposeText() }),
    }),
  };
}
