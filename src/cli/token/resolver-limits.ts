import { getServers } from "node:dns";

/**
 * Before the first look-up of a name. glibc waits 5 s for each name server that is silent, twice over; that cannot be
 * interrupted, and no process ends before it does, `process.exit()` or not. What glibc reads from this variable shortens it
 * to some seconds in all; other resolvers have limits of their own.
 */
export function limitNameResolution(): void {
  const attempts = getServers().length > 1 ? 1 : 2;
  process.env["RES_OPTIONS"] = `${process.env["RES_OPTIONS"] ?? ""} timeout:1 attempts:${attempts}`.trim();
}
