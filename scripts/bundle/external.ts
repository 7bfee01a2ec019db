/** Packages that no bundle contains, because they have a native file; an installed vsync depends on them alone. */
export const EXTERNAL: readonly string[] = ["argon2"];
