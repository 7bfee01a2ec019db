import { inspect } from "node:util";
import { expect } from "vitest";
import { VsyncError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { S3Options } from "../../src/s3/options.ts";
import { type HiddenText, type S3Location } from "../../src/s3/options.ts";
import { openS3Store } from "../../src/s3/store.ts";
import type { S3Keys } from "../support/ceph/target.ts";
import { ROOT } from "../support/strict-s3/server.ts";

export function hidden(text: string): HiddenText {
  return { exposeText: () => text };
}

export interface Place {
  readonly endpoint: string;
  readonly region: string;
}

/** By default: the strict server's only bucket, as its root user. */
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
