import { checkInputs } from "../runtime/inputs.ts";
import type { Environment, OpenOptions } from "../runtime/options.ts";
import { Vsync } from "../runtime/vsync.ts";
import { nowMs } from "../tokens/system-clock.ts";
import { inWorkers, type WaitUntil } from "../workers.ts";
import { Backend, type OriginViews, type Refusal } from "./backend.ts";
import type { TunnelOptions, TunnelProgram } from "./tunnel.ts";
import { Meter } from "./usage/meter.ts";
import { VerificationError } from "./verification-error.ts";
import { NonceCache, type ReplayStore } from "./verify/replay.ts";
import { type OriginView, originViewOf, Views } from "./views.ts";

export interface InitOptions {
  /** Replaces `process.env`. */
  readonly env?: Environment;
  /** The runtime token itself. Takes precedence over `VSYNC_CONFIG`. */
  readonly config?: string;
  /** The scoped token's credential. Takes precedence over `VSYNC_TOKEN`. */
  readonly token?: string;
  /** Remembers served requests for all processes of this backend. By default, each process remembers its own. */
  readonly replay?: ReplayStore;
  /**
   * The folder that keeps usage through a kill of the process until the store has it, accessible to this user only.
   * Default: `VSYNC_USAGE_SPOOL`, or one in the folder for temporary files. False turns it off.
   */
  readonly spool?: string | false;
  /**
   * Gets the reason of each refusal, which the client never learns. Default: a line on stderr, at most ten a second.
   */
  readonly log?: (refusal: Refusal) => void;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly clock?: { nowMs(): number };
}

/**
 * The backend of the scoped token in `VSYNC_CONFIG` and `VSYNC_TOKEN` (or `…_FILE`). Sends no request yet: the first
 * use opens the vault, which is then read again every 60 s.
 *
 * @throws VerificationError missing_token: neither is set; invalid_token: it is malformed, or would need a passphrase
 */
export function initFromEnv(options: InitOptions = {}): Backend<Vsync> {
  const { env = process.env, config, token, replay, clock = { nowMs }, log = logger(clock), spool } = options;
  const given = { env, ...(config === undefined ? {} : { config }), ...(token === undefined ? {} : { token }) };
  requireToken(given);
  let meter: Meter | null = null;
  const vault = new OpenedOnce(async () => {
    const opened = await Vsync.open(given);
    meter = new Meter({ ...(await opened.openUsage({ spool })), view: () => views.last, clock });
    return opened;
  });
  const views = new VaultViews(vault, clock);
  return new Backend<Vsync>({
    views,
    usage: { peek: () => meter, get: async () => meterOf(await views.get().then(() => meter)) },
    replay: replay ?? new NonceCache(clock),
    clock,
    log,
    openTunnel,
    secrets: () => vault.get(),
    close: () => vault.close(),
  });
}

/** Loaded only here: Workers have no processes, and most origins no tunnel. */
async function openTunnel(options: TunnelOptions): Promise<TunnelProgram> {
  const { SupervisedProgram } = await import("../runtime/supervised-program.ts");
  return new SupervisedProgram(options, (message) => console.warn(`vsync: the tunnel's program ${message}`));
}

function meterOf(meter: Meter | null): Meter {
  if (meter === null) throw new TypeError("an open vault has what reports usage");
  return meter;
}

function requireToken(options: OpenOptions): void {
  try {
    checkInputs(options);
  } catch (error) {
    const missing = error instanceof Error && error.name === "ConfigMissingError";
    const reason = error instanceof Error ? error.message : String(error);
    throw new VerificationError(missing ? "missing_token" : "invalid_token", reason, { cause: error });
  }
}

/** A vault that its first use opens. After a failure, the next use tries again. */
class OpenedOnce {
  readonly #open: () => Promise<Vsync>;
  #opening: Promise<Vsync> | null = null;
  #opened: Vsync | null = null;
  #isClosed = false;

  constructor(open: () => Promise<Vsync>) {
    this.#open = open;
  }

  get(): Promise<Vsync> {
    if (this.#isClosed) return Promise.reject(new VerificationError("jwks_unavailable", "the backend has shut down"));
    if (this.#opened !== null) return Promise.resolve(this.#opened);
    // In a Worker, the request that started the opening may end first, so each request opens for itself.
    if (inWorkers()) return this.#open().then((vault) => (this.#opened ??= vault));
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const vault = this.#opened ?? (await this.#opening?.catch(() => null));
    await vault?.close();
  }
}

/** How long to wait after a failed opening; otherwise each request would try. */
const OPEN_AGAIN_MS = 10_000;

class VaultViews implements OriginViews {
  readonly #vault: OpenedOnce;
  readonly #clock: { nowMs(): number };
  #views: Views<OriginView> | null = null;
  /** The newest view, however old. */
  last: OriginView | null = null;
  #failed: { readonly error: unknown; readonly atMs: number } | null = null;

  constructor(vault: OpenedOnce, clock: { nowMs(): number }) {
    this.#vault = vault;
    this.#clock = clock;
  }

  peek(waitUntil?: WaitUntil): OriginView | null {
    return this.#views?.peek(waitUntil) ?? null;
  }

  async get(isKnown?: (view: OriginView) => boolean, waitUntil?: WaitUntil): Promise<OriginView> {
    const vault = await this.#opened();
    this.#views ??= new Views(vault, originViewOf, {
      clock: this.#clock,
      maxStaleMinutes: (view) => view.backend.maxStaleMinutes,
      first: vault.openedToken === null ? null : originViewOf(vault.openedToken),
    });
    this.last = await this.#views.get(isKnown, waitUntil);
    return this.last;
  }

  async #opened(): Promise<Vsync> {
    const atMs = this.#clock.nowMs();
    if (this.#failed !== null && atMs - this.#failed.atMs < OPEN_AGAIN_MS) throw this.#failed.error;
    try {
      const vault = await this.#vault.get();
      this.#failed = null;
      return vault;
    } catch (error) {
      this.#failed = { error, atMs };
      throw error;
    }
  }
}

const LINES_PER_SECOND = 10;

/** One line per refusal, with a limit, because anybody can cause refusals. */
function logger(clock: { nowMs(): number }): (refusal: Refusal) => void {
  let [second, lines] = [0, 0];
  return ({ code, reason, method, path }) => {
    const now = Math.floor(clock.nowMs() / 1000);
    [second, lines] = now === second ? [second, lines + 1] : [now, 1];
    if (lines > LINES_PER_SECOND) return;
    console.warn(`vsync: refused ${JSON.stringify(`${method} ${path}`)}: ${code} (${reason})`);
  };
}
