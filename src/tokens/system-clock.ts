/** The machine's clock, for callers of public functions who pass no clock. */
export function nowMs(): number {
  return Date.now();
}
