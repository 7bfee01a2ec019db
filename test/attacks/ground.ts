import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, inject } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { encodeToken } from "../../src/blob/token.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { StoreLocation } from "../../src/stores/location.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { adminClient, createBucket, type S3Target } from "../support/ceph/target.ts";
import { ROOT, startStrictS3 } from "../support/strict-s3/server.ts";

type Where = Pick<StoreLocation, "endpoint" | "region" | "bucket" | "credentials">;

/** A store that the attacker can write: it reads and replaces every object, by path (prefix and key). */
export class Ground implements AsyncDisposable {
  readonly #where: Where;
  readonly #raw: RawObjects;
  readonly #planted = new Map<string, Buffer>();

  constructor(where: Where, raw: RawObjects) {
    this.#where = where;
    this.#raw = raw;
  }

  at(prefix: string): StoreLocation {
    return { ...this.#where, prefix };
  }

  storeAt(prefix: string) {
    return openStore(this.at(prefix));
  }

  /** A token with only what a reader needs. */
  token(prefix: string, fields: Partial<RuntimeToken> = {}): string {
    const { credentials, ...where } = this.#where;
    const keys =
      credentials === "ambient"
        ? ({ credentials } as const)
        : { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey.exposeText() };
    const salt = "AAAAAAAAAAAAAAAAAAAAAA==";
    return encodeToken({ v: 1, ...where, ...keys, prefix, env: "prod", salt, iterations: 1, ...fields });
  }

  steal(path: string): Promise<Buffer> {
    return this.#raw.read(path);
  }

  /** Lasts until the end of the test. */
  async plant(path: string, bytes: Uint8Array | string): Promise<void> {
    if (!this.#planted.has(path)) this.#planted.set(path, await this.steal(path));
    await this.#raw.write(path, Buffer.from(bytes));
  }

  /** A store at a new prefix that holds these objects, by key. */
  async copyOf(objects: ReadonlyMap<string, { readonly bytes: Uint8Array }>): Promise<ObjectStore> {
    const prefix = `${randomBytes(16).toString("hex")}/`;
    for (const [key, { bytes }] of objects) await this.#raw.write(prefix + key, Buffer.from(bytes));
    return this.storeAt(prefix);
  }

  async undo(): Promise<void> {
    for (const [path, bytes] of this.#planted) await this.#raw.write(path, bytes);
    this.#planted.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#raw.close();
  }
}

interface RawObjects {
  read(path: string): Promise<Buffer>;
  write(path: string, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Runs the suite over a directory and over S3: the real server of this run, or else the project's own. */
export function describeOnEveryStore(name: string, suite: (ground: () => Ground) => void): void {
  const real = inject("s3");
  const kinds: [name: string, open: () => Promise<Ground>][] = [["a directory", onDisk]];
  if (real === null) kinds.push(["the strict server", onStrictServer]);
  else kinds.push(["a real S3 server", () => onS3(real)]);
  describe.each(kinds)(`${name}: %s`, (_kind, open) => {
    let ground: Ground;
    beforeAll(async () => {
      ground = await open();
    });
    afterEach(() => ground.undo());
    afterAll(() => ground[Symbol.asyncDispose]());
    suite(() => ground);
  });
}

async function onDisk(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), "vsync-attack-"));
  const where = { endpoint: fileEndpoint(folder), region: "local", bucket: "vaults", credentials: "ambient" } as const;
  await createDirectoryRoot(where);
  const fileOf = (path: string): string => join(folder, "vaults", path);
  return new Ground(where, {
    read: (path) => readFile(fileOf(path)),
    write: async (path, bytes) => {
      await mkdir(dirname(fileOf(path)), { recursive: true });
      await writeFile(fileOf(path), bytes);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  });
}

async function onStrictServer(): Promise<Ground> {
  const server = await startStrictS3();
  return onS3({ name: "strict", ...server, ...ROOT, bucket: "strict" }, () => server.close());
}

async function onS3(target: S3Target, close: () => Promise<void> = async () => {}): Promise<Ground> {
  const Bucket = await createBucket(target, `vsync-attack-${randomBytes(4).toString("hex")}`);
  const { endpoint, region, accessKeyId, secretAccessKey } = target;
  const credentials = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  const client = adminClient(target);
  return new Ground(
    { endpoint, region, bucket: Bucket, credentials },
    {
      read: async (Key) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      },
      write: async (Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
      close,
    },
  );
}
