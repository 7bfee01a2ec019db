/** Where a vault's usage is. Apart from what reads it: printing a policy loads no cryptography. */
export const USAGE_PREFIX = "usage/";
