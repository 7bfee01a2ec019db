/**
 * Packages that are not bundled, because they contain a native file. They are the only dependencies of an installed
 * vsync.
 */
export const EXTERNAL: readonly string[] = ["argon2"];
