/** Linux takes no longer `NAME=value`, its NUL included (MAX_ARG_STRLEN). */
export const MAX_VARIABLE_BYTES = 131_072;

export interface EnvironmentSize {
  /** All of it, as the operating system counts: `NAME=value` and a NUL each. */
  readonly bytes: number;
  readonly count: number;
  readonly largest: { readonly name: string; readonly bytes: number };
}

export function measureEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentSize {
  const sizes = Object.entries(env).map(([name, value = ""]) => ({ name, bytes: variableBytes(name, value) }));
  const largest = sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a), { name: "", bytes: 0 });
  return { bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), count: sizes.length, largest };
}

export function variableBytes(name: string, value: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + "=\0".length;
}
