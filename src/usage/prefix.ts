/** The prefix of a vault's usage. In its own file, so printing a policy loads no cryptography. */
export const USAGE_PREFIX = "usage/";
