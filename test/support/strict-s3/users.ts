import { accessDenied } from "./s3-error.ts";

export type Action = "s3:GetObject" | "s3:PutObject" | "s3:DeleteObject" | "s3:ListBucket";

export interface Grant {
  readonly actions: readonly Action[];
  /** Only keys that start with this; for ListBucket, only listings below it. Default: all. */
  readonly prefix?: string;
}

export interface User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Temporary credentials: every request must carry this. */
  readonly sessionToken?: string;
  /** Absent: everything is allowed. */
  readonly grants?: readonly Grant[];
}

export function isAllowed(user: User, action: Action, key: string): boolean {
  if (user.grants === undefined) return true;
  return user.grants.some((grant) => grant.actions.includes(action) && key.startsWith(grant.prefix ?? ""));
}

export function authorize(user: User, action: Action, key: string): void {
  if (!isAllowed(user, action, key)) throw accessDenied();
}
