import { Readable } from "node:stream";
import { inspect } from "node:util";
import { expect } from "vitest";
import { VsyncError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { openS3Store } from "../../src/s3/store.ts";
import type { Exchange, HttpRequest } from "../../src/s3/wire/exchange.ts";
import type { S3Options } from "../../src/s3/wire/options.ts";
import { type HiddenText, type S3Location } from "../../src/s3/wire/options.ts";
import type { S3Keys } from "../support/ceph/target.ts";
import { ROOT } from "../support/strict-s3/server.ts";

export function hidden(text: string): HiddenText {
  return { exposeText: () => text };
}

export interface Place {
  readonly endpoint: string;
  readonly region: string;
}

/** Default: the strict server's only bucket, as its root user. */
export function locationAt(
  { endpoint, region }: Place,
  overrides: Partial<S3Location> & { readonly keys?: S3Keys } = {},
): S3Location {
  const { keys = ROOT, ...rest } = overrides;
  const credentials = { accessKeyId: keys.accessKeyId, secretAccessKey: hidden(keys.secretAccessKey) };
  return { endpoint, region, bucket: "strict", prefix: "repo/env/", credentials, ...rest };
}

/** Does not wait between tries. */
function quickOptions(overrides: Partial<S3Options> = {}): S3Options {
  return {
    clock: { nowMs: () => Date.now() },
    random: { bytes: (length) => new Uint8Array(length) },
    sleep: async () => {},
    ...overrides,
  };
}

export function openAt(
  place: Place,
  overrides: Parameters<typeof locationAt>[1] = {},
  options: Partial<S3Options> = {},
): ObjectStore {
  return openS3Store(locationAt(place, overrides), quickOptions(options));
}

/** The error of a call. Checks that it contains no secret and follows our wording. */
export async function failureOf(call: Promise<unknown>): Promise<VsyncError> {
  const error: unknown = await call.then(
    () => expect.unreachable("the call succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof VsyncError)) throw error;
  expect(error.message).toMatch(/^[a-z].*[^.\s]$/s);
  expect(error.hint).toMatch(/^[a-z].*[^.\s]$/s);
  for (const secret of SECRETS) expect(inspect(error, { showHidden: true, depth: 20 })).not.toContain(secret);
  return error;
}

/** For tests without an answer. A busy machine may exceed it elsewhere too, so do not assert an exact log there. */
export const IMPATIENT: Partial<S3Options> = { limits: { answerTimeoutMs: 400, readTimeoutMs: 400 } };

const SECRETS = [ROOT.secretAccessKey, "planted-secret-key", "planted-session-token"];

/** The answer of a server without a network. `fields` go into the XML of an error. */
export interface Told {
  readonly status?: number;
  readonly Code?: unknown;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Iterable<Uint8Array>;
}

type Teller = (request: HttpRequest) => Told | Error;

/** Gives the latest answer that was set for a method, and records the requests. */
export class ToldServer {
  readonly sent: HttpRequest[] = [];
  readonly #tellers = new Map<string, Teller>();

  on(method: HttpRequest["method"], told: Told | Error | Teller): void {
    this.#tellers.set(method, typeof told === "function" ? told : () => told);
  }

  reset(): void {
    this.sent.length = 0;
    this.#tellers.clear();
  }

  /** The requests of one method, or of all. */
  count(method?: string): number {
    return this.sent.filter((request) => method === undefined || request.method === method).length;
  }

  readonly exchange: Exchange = async (request) => {
    this.sent.push(request);
    const told = this.#tellers.get(request.method)?.(request) ?? new Error(`nothing told about ${request.method}`);
    if (told instanceof Error) throw told;
    const { status = 200, Code, fields = {}, headers = {}, body } = told;
    const isError = Code !== undefined || Object.keys(fields).length > 0;
    const xml = isError ? `<Error>${children({ ...(Code !== undefined && { Code }), ...fields })}</Error>` : "";
    const bytes = body ?? xml;
    return { status, headers, body: Readable.from(typeof bytes === "string" ? [Buffer.from(bytes)] : bytes) };
  };
}

function children(fields: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string =>
    typeof value === "object" && value !== null ? children({ ...value }) : String(value);
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${text(value)}</${name}>`)
    .join("");
}
