import type { ObjectStore } from "../../ports.ts";
import type { Sink } from "./output.ts";
import { printable } from "./printable.ts";

const QUIET_MS = 1_000;
const FRAME_MS = 100;
const BAR_CELLS = 16;
const BLOCK_CELLS = 4;

/** The stream to draw on. */
export interface Display {
  readonly sink: Sink;
  /** A terminal whose user accepts colours, and therefore moving parts. */
  readonly isLively: boolean;
}

/** Wraps a store: a call that takes longer than a second shows a moving line with what it is doing. */
export function withActivity(store: ObjectStore, display: Display): ObjectStore {
  if (!display.isLively) return store;
  const { label } = store;
  const during = <T>(what: string, work: Promise<T>): Promise<T> => showDuring(work, what, display.sink);
  return {
    label,
    head: (key, options) => during(`asking ${label}`, store.head(key, options)),
    get: (key, options) => during(`reading from ${label}`, store.get(key, options)),
    create: (key, bytes) => during(`writing ${sizeOf(bytes)} to ${label}`, store.create(key, bytes)),
    replace: (key, bytes, version) =>
      during(`writing ${sizeOf(bytes)} to ${label}`, store.replace(key, bytes, version)),
    list: (keyPrefix, options) => store.list(keyPrefix, options),
    delete: (key) => during(`deleting from ${label}`, store.delete(key)),
  };
}

async function showDuring<T>(work: Promise<T>, what: string, sink: Sink): Promise<T> {
  let frame = 0;
  const draw = (): void => {
    const seconds = Math.floor((QUIET_MS + frame * FRAME_MS) / 1000);
    const line = `${barAt(frame)} ${printable(what)}, ${seconds} s`;
    sink.write(`\r\u001b[2K${line.slice(0, (sink.columns ?? 80) - 1)}`);
    frame += 1;
  };
  let frames: NodeJS.Timeout | undefined;
  const start = setTimeout(() => {
    draw();
    frames = setInterval(draw, FRAME_MS);
  }, QUIET_MS);
  try {
    return await work;
  } finally {
    clearTimeout(start);
    clearInterval(frames);
    if (frame > 0) sink.write("\r\u001b[2K");
  }
}

/** A block that moves back and forth, because the total is unknown. */
function barAt(frame: number): string {
  const way = BAR_CELLS - BLOCK_CELLS;
  const at = way - Math.abs((frame % (2 * way)) - way);
  return `[${" ".repeat(at)}${"=".repeat(BLOCK_CELLS)}${" ".repeat(way - at)}]`;
}

function sizeOf({ length }: Uint8Array): string {
  const unit = [1024 ** 2, 1024].find((bytes) => length >= bytes);
  if (unit === undefined) return `${length} bytes`;
  return `${(length / unit).toFixed(1)} ${unit === 1024 ? "KiB" : "MiB"}`;
}
