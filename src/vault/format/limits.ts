/** The format's limits; sizes in bytes. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 1024 * 1024;
export const MAX_NAME_BYTES = 1024;
export const MAX_MODE = 0o777;
export const MAX_UNLOCK_ENTRIES = 64;
