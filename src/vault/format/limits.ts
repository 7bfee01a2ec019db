/** The format's limits; sizes in bytes. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 1024 * 1024;
export const MAX_NAME_BYTES = 1024;
export const MAX_MODE = 0o777;
export const MAX_UNLOCK_ENTRIES = 64;
/** Slots of all kinds in a bundle's header. */
export const MAX_SLOTS = 1024;
/** Twelve digits, as many as the key of an audit row has. */
export const MAX_GEN = 999_999_999_999;
