import { join } from "node:path";
import type { VaultTokenFields } from "../../test/support/vault-fixture.ts";
import { JsonLines } from "./json-lines.ts";
import type { Counted, Order } from "./s3-server-process.ts";

/** A bucket and its credentials. */
export interface Place {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The project's strict S3 server in a separate process, which keeps its work out of our measurements. */
export class S3Server implements AsyncDisposable {
  readonly #process: JsonLines;
  readonly place: Place;

  private constructor(process: JsonLines, place: Place) {
    this.#process = process;
    this.place = place;
  }

  static async start(): Promise<S3Server> {
    const program = join(import.meta.dirname, "s3-server-process.ts");
    const server = new JsonLines("the S3 server", [process.execPath, program]);
    return new S3Server(server, await server.read<Place>());
  }

  async setLatency(ms: number): Promise<void> {
    await this.#order({ do: "latency", ms });
  }

  async setLimit(perSecond: number | null): Promise<void> {
    await this.#order({ do: "limit", perSecond });
  }

  /** The requests since the last call. */
  count(): Promise<Counted> {
    return this.#order({ do: "count" });
  }

  buildLog(rows: number, prefix: string): Promise<VaultTokenFields> {
    return this.#order({ do: "build-log", rows, prefix });
  }

  #order<Answer>(order: Order): Promise<Answer> {
    return this.#process.ask<Answer>(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
