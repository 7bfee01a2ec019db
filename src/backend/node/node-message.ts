/**
 * The parts of Node.js's requests and responses that we use. We avoid the types of Node.js, because every app that
 * compiles against ours would have to install them.
 */

interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** `IncomingMessage`, or its equivalent in `node:http2`. */
export interface NodeRequest extends Emitter {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the URL before a router's mount path was removed. */
  readonly originalUrl?: string;
  /** Express: the mount path that was removed. */
  readonly baseUrl?: string;
  readonly rawHeaders: string[];
  readonly httpVersionMajor: number;
  readonly complete: boolean;
  readonly destroyed: boolean;
  readonly readableLength: number;
  readonly readableDidRead: boolean;
  readonly readableEnded: boolean;
  read(): Uint8Array | string | null;
  unshift(chunk: Uint8Array): void;
}

export interface NodeSocket {
  on(event: "error", listener: () => void): unknown;
  end(text: string): unknown;
  destroy(): unknown;
  pause(): unknown;
  destroySoon?(): void;
}

/** `ServerResponse`, or its equivalent in `node:http2`. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  end(text: string): unknown;
}

/** Each header with all its lines. Only `rawHeaders` still shows what the parser joined or dropped. */
export function headerLines(rawHeaders: readonly string[]): Record<string, string | string[]> {
  const lines: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string];
    const known = lines[name];
    if (known === undefined) lines[name] = value;
    else lines[name] = typeof known === "string" ? [known, value] : [...known, value];
  }
  return lines;
}
