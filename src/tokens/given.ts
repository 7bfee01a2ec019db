import { isObject, type JsonObject, type JsonValue } from "../canonical-json.ts";
import { GrantInvalidError } from "../errors.ts";

/** Makes the error for a fault at a place in JSON, such as `grants[1].scopes`. */
export type RefuseAt = (path: string, fault: string) => Error;

/** For JSON given by a person or a program. */
export const refuseGiven: RefuseAt = (path, fault) => new GrantInvalidError(path, fault);

/** A value in JSON, and its place. */
export interface At {
  readonly value: JsonValue;
  readonly path: string;
  readonly refuse: RefuseAt;
}

export function memberOf({ value, path, refuse }: At, name: string): At {
  const member = Object.getOwnPropertyDescriptor(value, name)?.value as JsonValue;
  return { value: member, path: path === "" ? name : `${path}.${name}`, refuse };
}

/**
 * The members of an object, at least one. Names of digits are refused, because they move to the front when the object
 * is written.
 */
export function membersOf(at: At): readonly (readonly [name: string, member: At])[] {
  const names = Object.keys(requireObject(at));
  if (names.length === 0) throw at.refuse(at.path, "must not be empty");
  return names.map((name) => [name, memberOf(at, name)]);
}

/** Like `membersOf`, for names that users choose. */
export function namedMembersOf(at: At): readonly (readonly [name: string, member: At])[] {
  const members = membersOf(at);
  for (const [name, { path, refuse }] of members) {
    if (name === "" || /^[0-9]+$/.test(name)) throw refuse(path, "must have a name that is neither empty nor a number");
    if (!name.isWellFormed()) throw refuse(path, "must have a well-formed name");
  }
  return members;
}

export function elementsOf(at: At): readonly At[] {
  const { value, path, refuse } = at;
  if (!isArray(value)) throw refuse(path, "must be an array");
  return value.map((element, index) => ({ value: element, path: `${path}[${index}]`, refuse }));
}

export function requireObject({ value, path, refuse }: At): JsonObject {
  if (!isObject(value)) throw refuse(path, "must be an object");
  return value;
}

export function requireText({ value, path, refuse }: At): string {
  if (typeof value !== "string") throw refuse(path, "must be a string");
  if (!value.isWellFormed()) throw refuse(path, "must be well-formed text");
  return value;
}

/**
 * @throws what `refuse` makes, at the first repeated text
 */
export function requireDistinct(texts: readonly At[]): void {
  const seen = new Set<JsonValue>();
  for (const { value, path, refuse } of texts) {
    if (seen.has(value)) throw refuse(path, "is listed twice");
    seen.add(value);
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
