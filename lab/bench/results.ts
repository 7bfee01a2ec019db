/** The results of `npm run bench` in `results.json`, the source of the page and its plots. */

export const RESULTS_FORMAT = "vsync-bench-v1";

/** Over several runs. */
export interface Series {
  readonly runs: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Row {
  /** `start-up`, `open`, …: the rows of one group ran interleaved. */
  readonly group: string;
  /** The work. */
  readonly name: string;
  /** The program: `control`, `binary`, `bin/run.js`, `library`, or a peer's name. */
  readonly program: string;
  /** Wall time in milliseconds. */
  readonly wallMs: Series;
  /** User and system time of the whole process in milliseconds, median. */
  readonly cpuMs?: number;
  /** Peak resident memory in MiB, the largest of the runs. */
  readonly peakMiB?: number;
  /** Median wall time as a multiple of the group's control. */
  readonly ratio?: number;
  /** Injected round trip in milliseconds. */
  readonly roundTripMs?: number;
  readonly secrets?: number;
  /** Bytes of the one binary file in the vault. */
  readonly bytes?: number;
  /** Rows in the audit log. */
  readonly auditRows?: number;
  /** Scoped tokens of the vault. */
  readonly tokens?: number;
  /** Bytes of the bundle's header and of the manifest. */
  readonly headerBytes?: number;
  readonly manifestBytes?: number;
}

/** What an installation takes on the disk. */
export interface Size {
  readonly what: string;
  readonly packages?: number;
  readonly bytes: number;
}

/** Requests to a store, by `METHOD`. */
export interface RequestCount {
  readonly operation: string;
  readonly requests: Readonly<Record<string, number>>;
}

export interface Herd {
  readonly server: string;
  /** What its instances open with. */
  readonly holder?: "passphrase" | "scoped token";
  readonly instances: number;
  /** Requests per second that the server lets through before it answers 503 SlowDown; null: all of them. */
  readonly limit: number | null;
  readonly opened: number;
  /** Failures by error class. */
  readonly failed: Readonly<Record<string, number>>;
  /** Null if the server does not count. */
  readonly requestsPerBoot: number | null;
  readonly turnedAway: number | null;
  /** Duration of one `Vsync.open()`, in milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
  /** Requests per tenth of a second. */
  readonly arrivals: readonly number[];
}

export interface Peer {
  readonly name: string;
  readonly version: string | null;
  /** Why the tool has no row. */
  readonly missing?: string;
}

export interface Results {
  readonly format: typeof RESULTS_FORMAT;
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** Duration of the run. */
  readonly seconds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly kdf: { readonly iterations: number; readonly memoryKiB: number; readonly parallelism: number };
  readonly rows: readonly Row[];
  readonly requests: readonly RequestCount[];
  readonly herds: readonly Herd[];
  /** Missing in results from before they were measured. */
  readonly sizes?: readonly Size[];
  readonly peers: readonly Peer[];
}
