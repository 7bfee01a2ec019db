import type { JsonObject } from "../../canonical-json.ts";
import type { BatchWriter } from "../../usage/batch.ts";
import type { UsageEvent } from "../../usage/event.ts";
import { MeteringError, requireUsage, type UsageMap } from "../../usage/meters.ts";
import type { UsageRecorder } from "../../usage/recorder.ts";
import type { DeferredUsage, UsageReporting } from "../verified.ts";
import type { OriginView } from "../views.ts";
import { requireContext } from "./report-usage.ts";

export interface MeterOptions {
  /** Your idempotency key, 1…256 characters: usage recorded again under it on the same day counts once. */
  readonly id?: string;
  readonly requestId?: string;
  readonly routeId?: string;
  /** Anything you want to see later, such as a model's name. JSON with integers only. */
  readonly context?: JsonObject;
  /** Units of a wallet. */
  readonly credits?: UsageMap;
}

export interface MeterParts {
  readonly writer: BatchWriter;
  readonly recorder: Pick<UsageRecorder, "record" | "flush" | "close">;
  /** The newest view available without a request, or null. */
  readonly view: () => OriginView | null;
  readonly clock: { nowMs(): number };
}

/** Reports the usage of one backend, in responses and as events. */
export class Meter implements UsageReporting {
  readonly #parts: MeterParts;

  constructor(parts: MeterParts) {
    this.#parts = parts;
  }

  get vault(): string {
    return this.#parts.writer.vault;
  }

  get id(): string {
    return this.#parts.writer.id;
  }

  get clock(): { nowMs(): number } {
    return this.#parts.clock;
  }

  /** The meters that both the token and its backend may report; undefined means any. */
  get meters(): readonly string[] | undefined {
    const { meters, backend } = this.#parts.view() ?? {};
    const keys = backend?.meters?.map(({ key }) => key);
    return meters === undefined ? keys : meters.filter((meter) => keys?.includes(meter) ?? true);
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#parts.writer.sign(message);
  }

  /**
   * Records usage that no response reports. Resolves once it would survive a kill of the process; it reaches the store
   * within a minute.
   *
   * @throws MeteringError invalid_meter_key, invalid_meter_value; not_recorded: try again, with the same id
   */
  async meter(meter: string, amount: number, options: MeterOptions = {}): Promise<void> {
    const { id = crypto.randomUUID(), requestId, routeId, context, credits } = options;
    const usage = requireUsage({ [meter]: amount }, this.meters);
    await this.#record({
      id,
      lane: "meter",
      usage,
      ...(requestId === undefined ? {} : { request_id: requestId }),
      ...(routeId === undefined ? {} : { route_id: routeId }),
      ...(context === undefined ? {} : { context: requireContext(context) }),
      ...(credits === undefined ? {} : { credits: requireUsage(credits) }),
      at: this.clock.nowMs(),
    });
  }

  async recordDeferred({ requestId, routeId, usage, context, credits }: DeferredUsage): Promise<void> {
    if (Object.keys(usage).length === 0) throw new MeteringError("invalid_meter_value", "the usage names no meter");
    await this.#record({
      id: requestId,
      lane: "deferred",
      usage,
      request_id: requestId,
      route_id: routeId,
      ...(context === undefined ? {} : { context }),
      ...(credits === undefined ? {} : { credits }),
      at: this.clock.nowMs(),
    });
  }

  /**
   * @throws what the store throws; the events keep waiting
   */
  async flush(): Promise<void> {
    await this.#parts.recorder.flush();
  }

  /** Writes waiting events, or warns that they stay on the disk. */
  async close(): Promise<void> {
    await this.#parts.recorder.close();
  }

  async #record(event: UsageEvent): Promise<void> {
    if (this.#parts.view()?.capabilities.includes("metering") === false) {
      throw new MeteringError("not_recorded", `the token ${this.id} lacks the capability metering`);
    }
    await this.#parts.recorder.record(event);
  }
}
