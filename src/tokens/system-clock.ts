/** The clock of the machine, for callers of the public functions who give none. */
export function nowMs(): number {
  return Date.now();
}
