import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { accessSync, constants, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { Secret } from "../crypto/secret.ts";
import { agentsFor, type Network } from "../s3/wire/exchange.ts";
import { printable } from "../s3/wire/failure.ts";
import { CredentialsError, SilentSourceError } from "../s3/wire/keys.ts";
import type { FindKeys } from "../s3/wire/options.ts";
import { untilAborted } from "../s3/wire/time-limit.ts";
import type { AccessKey } from "./location.ts";

const LIMIT_MS = 30_000;
/** How often the chain asks over HTTP, each time for `REQUEST_LIMIT_MS`. */
const ATTEMPTS = 2;
const REQUEST_LIMIT_MS = 5_000;
/** How long a search goes on without a waiting request: an aborted one is retried within this time. */
const PATIENCE_MS = 1_000;
const HINT = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role";

type Variables = Readonly<Record<string, string | undefined>>;
type Chain = () => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;

/**
 * Finds keys as AWS's own tools do: in variables, the profile (keys, SSO, a role, `credential_process`), a web
 * identity, the container's endpoint, the instance's. Caches them until five minutes before they expire.
 *
 * @throws CredentialsError naming the source that failed
 */
export function findsAmbientKeys(variables: Variables, network: Network, limitMs = LIMIT_MS): FindKeys {
  let search: Search | undefined;
  return async (region, signal) => {
    search ??= await Search.load(region, variables, network, limitMs);
    return search.keys(signal);
  };
}

/** What a search has opened: sockets, and `credential_process` programs. */
class Opened {
  readonly #ends = new Set<() => void>();
  #isOver = false;

  add(end: () => void): void {
    // When one source is ended, the chain goes on to the next. What it opens there is not complete yet, so end it
    // later.
    if (this.#isOver) setImmediate(end);
    else this.#ends.add(end);
  }

  end(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
  }
}

const searching = new AsyncLocalStorage<Opened>();
// The chain accepts no signal, and a silent source would keep the process alive. (Bun publishes to neither channel.)
subscribe("net.client.socket", (message) => {
  const { socket } = message as { readonly socket: Socket };
  searching.getStore()?.add(() => socket.destroy());
});
subscribe("child_process", (message) => {
  const { process: program } = message as { readonly process: ChildProcess };
  searching.getStore()?.add(() => {
    program.kill();
    // The shell's own child may keep running and hold the pipes open.
    for (const stream of program.stdio) stream?.destroy();
  });
});

/** One run of the chain, shared by all requests that wait at that time. */
interface Running {
  readonly opened: Opened;
  readonly found: ReturnType<Chain>;
  waiting: number;
}

class Search {
  readonly #chain: Chain;
  readonly #progress: Progress;
  readonly #limitMs: number;
  #running: Running | undefined;

  private constructor(chain: Chain, progress: Progress, limitMs: number) {
    this.#chain = chain;
    this.#progress = progress;
    this.#limitMs = limitMs;
  }

  static async load(region: string, variables: Variables, network: Network, limitMs: number): Promise<Search> {
    const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
    const { http, https } = await agentsFor(network);
    const progress = new Progress(variables);
    const { logger } = progress;
    const requestHandler = {
      httpAgent: http,
      httpsAgent: https,
      connectionTimeout: 3_000,
      requestTimeout: REQUEST_LIMIT_MS,
      throwOnRequestTimeout: true,
      logger,
    };
    // The store's region is only a guess for STS: AWS_REGION and the profile come first.
    // The chain's own time limit for a container's endpoint only warns on the console and goes on waiting. Ours ends
    // the search.
    const isContainer = CONTAINER_VARIABLES.some((name) => variables[name]);
    const init = {
      logger,
      ...(isContainer && { timeout: 0 }),
      clientConfig: { requestHandler, logger, maxAttempts: ATTEMPTS },
      parentClientConfig: { region, logger },
    };
    const chain = defaultProvider(init);
    return new Search(() => readable(variables).then(() => chain()), progress, limitMs);
  }

  async keys(signal: AbortSignal): Promise<AccessKey> {
    const running = (this.#running ??= this.#start());
    running.waiting += 1;
    try {
      return sealed(await untilAborted(signal, () => running.found));
    } finally {
      running.waiting -= 1;
      if (this.#running === running) setTimeout(() => running.waiting === 0 && running.opened.end(), PATIENCE_MS);
    }
  }

  #start(): Running {
    const opened = new Opened();
    const found = this.#find(opened).finally(() => (this.#running = undefined));
    return { opened, found, waiting: 0 };
  }

  async #find(opened: Opened): ReturnType<Chain> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#progress.silent(this.#limitMs)), this.#limitMs);
    try {
      return await Promise.race([searching.run(opened, this.#chain), over]);
    } catch (error) {
      opened.end();
      throw error instanceof CredentialsError ? error : this.#progress.failed(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

const CONTAINER_VARIABLES = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/** The chain reads a web identity's token in one blocking call, which would hang the whole process on a named pipe. */
async function readable(variables: Variables): Promise<void> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = variables;
  if (!path || (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)) return;
  const stats = await stat(path).catch(() => null);
  if (stats === null || stats.isFile()) return;
  throw failedAt("AWS_WEB_IDENTITY_TOKEN_FILE", `${path} is not a file`);
}

/** What the chain logs about a source that this machine simply does not have. */
const SKIPPED =
  /^(Unable to find environment|AWS_PROFILE is set, skipping|Skipping SSO|Could not resolve credentials using profile: \[default\]|Profile default could not be found|Profile \S+ did not contain credential_process|Web identity configuration not|Not found in (?:ENV|config files w)|\S+ not set in env, checking config file|EC2 Instance Metadata Service access disabled|Could not load credentials)/;

/** Follows the chain through its log, because its last error only says that it found nothing. */
class Progress {
  readonly logger = {
    trace() {},
    debug: (line: unknown) => this.#note(String(line)),
    info() {},
    warn() {},
    error() {},
  };
  readonly #variables: Variables;
  #source = "";
  #complaint: { readonly source: string; readonly said: string } | undefined;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  #note(line: string): void {
    const [, link] = /(?:defaultProvider|remoteProvider)::(\w+)/.exec(line) ?? [];
    if (link !== undefined) this.#source = this.#nameOf(link);
    const [, said] = /^@smithy\/property-provider \S+ ([^]*)/.exec(line) ?? [];
    if (said !== undefined && !SKIPPED.test(said)) this.#complaint ??= { source: this.#source, said };
  }

  #nameOf(link: string): string {
    const { AWS_PROFILE, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI } = this.#variables;
    switch (link) {
      case "fromEnv":
        return "the environment";
      case "fromTokenFile":
        return "AWS_WEB_IDENTITY_TOKEN_FILE";
      case "fromHttp":
        return `AWS_CONTAINER_CREDENTIALS_${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ? "RELATIVE" : "FULL"}_URI`;
      case "fromInstanceMetadata":
        return "the instance metadata service";
      default:
        return `profile ${AWS_PROFILE || "default"}`;
    }
  }

  silent(limitMs: number, source = this.#source): SilentSourceError {
    const message = `no ambient credentials: ${source} did not give any within ${limitMs / 1000} s`;
    return new SilentSourceError(message, "check that source, or give an access key");
  }

  failed(error: unknown): CredentialsError {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = this.#variables;
    const { name, code, message } = error as Error & { readonly code?: string };
    // os.homedir() throws this for a user that passwd(5) does not know; the chain needs it to look for a profile.
    if (code === "ERR_SYSTEM_ERROR") {
      const hint = "set HOME; if the credentials come from elsewhere, to a folder without .aws";
      return new CredentialsError("this user has no home to look for ambient credentials in", hint);
    }
    if (name !== "CredentialsProviderError") return this.#said(this.#source, `${plainName(name)}${message}`);
    const isProfile = this.#complaint === undefined || this.#complaint.source === this.#nameOf("");
    const unread = isProfile ? unreadableFile(this.#variables) : null;
    if (unread !== null) return new CredentialsError(`no ambient credentials: cannot read ${unread}`, UNREAD_HINT);
    if (this.#complaint !== undefined) return this.#said(this.#complaint.source, this.#complaint.said);
    if (Boolean(AWS_ACCESS_KEY_ID) !== Boolean(AWS_SECRET_ACCESS_KEY)) {
      const [there, missing] = AWS_ACCESS_KEY_ID
        ? ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        : ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"];
      return new CredentialsError(`no ambient credentials: ${there} is set and ${missing} is not`, HINT);
    }
    return new CredentialsError("no ambient credentials on this machine", HINT);
  }

  #said(source: string, said: string): CredentialsError {
    return said.startsWith("TimeoutError: ")
      ? this.silent(ATTEMPTS * REQUEST_LIMIT_MS, source)
      : failedAt(source, said);
  }
}

const UNREAD_HINT = "make it readable, or give an access key";

/** AWS's file that cannot be read, and why; or null. The chain takes such a file for an empty one. */
function unreadableFile({ AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE }: Variables): string | null {
  const files = [
    [AWS_SHARED_CREDENTIALS_FILE, "credentials"],
    [AWS_CONFIG_FILE, "config"],
  ] as const;
  for (const [named, usual] of files) {
    const path = named || join(homedir(), ".aws", usual);
    try {
      if (statSync(path).isDirectory()) return `${path} (EISDIR)`;
      accessSync(path, constants.R_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (named || code !== "ENOENT") return `${path} (${code})`;
    }
  }
  return null;
}

/** The class of an STS error is its code. */
function plainName(name: string): string {
  return name === "Error" ? "" : `${name}: `;
}

function failedAt(source: string, said: string): CredentialsError {
  // Leaves out the command line, which may contain a password. The program's own output says more anyway.
  const words = printable(said.replace(/^Command failed: .*/, "the program of credential_process failed:"), 240);
  const what = `no ambient credentials from ${source}: ${words.replace(/[.:]$/, "")}`;
  return new CredentialsError(what, "fix that source, or give an access key");
}

function sealed({ accessKeyId, secretAccessKey, sessionToken }: Awaited<ReturnType<Chain>>): AccessKey {
  const key = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  return sessionToken === undefined ? key : { ...key, sessionToken: Secret.ofText(sessionToken) };
}
