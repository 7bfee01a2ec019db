import type { S3Client } from "@aws-sdk/client-s3";
import { Call, type CallBounds } from "./call.ts";
import { createClient } from "./client.ts";
import { DEFAULT_LIMITS, hostOf, labelOf, type S3Location, type S3Options } from "./options.ts";

type Verb = "read" | "write" | "delete" | "list";

/** A client, and which part of which bucket it is for. */
export class Connection {
  readonly client: S3Client;
  readonly location: S3Location;
  readonly #options: S3Options;

  constructor(location: S3Location, options: S3Options) {
    this.client = createClient(location, { ...DEFAULT_LIMITS, ...options.limits });
    this.location = location;
    this.#options = options;
  }

  /** What a person calls the object. */
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
    return new Call(() => ({ ...inquiry, nowMs: this.#options.clock.nowMs() }), this.#options, bounds);
  }
}
