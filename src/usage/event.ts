import { isObject, type JsonObject, type JsonValue, parseCanonicalJson, type Refuse } from "../canonical-json.ts";
import { isTokenId } from "../tokens/credential-form.ts";
import { type UsageMap, usageFault } from "./meters.ts";

/**
 * Who reports an event. `meter`: an app, for work that no response reports. `deferred`: an app, for a response
 * announced as pending. `response`: a gateway, for a response whose usage it verified.
 */
const LANES = ["meter", "deferred", "response"] as const;
export type Lane = (typeof LANES)[number];

/** One line of a batch, with its fields in the order of writing (docs/format.md, Usage events). */
export interface UsageEvent {
  /** Counts once per token and day. In lanes `deferred` and `response` it is the request's id. */
  readonly id: string;
  readonly lane: Lane;
  /** Empty if it is pending. */
  readonly usage: UsageMap;
  readonly request_id?: string;
  readonly route_id?: string;
  readonly context?: JsonObject;
  readonly credits?: UsageMap;
  /** The token whose response it was. Only in lane `response`, like the next three. */
  readonly token?: string;
  readonly backend?: string;
  /** The user for whose request the gateway signed. */
  readonly subject?: string;
  readonly pending?: true;
  /**
   * Milliseconds since the epoch. The last field, because two events with the same id must agree in everything before
   * it.
   */
  readonly at: number;
}

const MAX_EVENT_CHARACTERS = 8192;
/** The year 10000. */
const MAX_AT = 253_402_300_800_000;
const NAMES = [
  "id",
  "lane",
  "usage",
  "request_id",
  "route_id",
  "context",
  "credits",
  "token",
  "backend",
  "subject",
  "pending",
  "at",
] as const satisfies readonly (keyof UsageEvent)[];

/** The event's line, without its end. */
export function encodeEvent(event: UsageEvent): string {
  return JSON.stringify(Object.fromEntries(NAMES.filter((name) => name in event).map((name) => [name, event[name]])));
}

/** Why the event cannot be written, or null. */
export function eventFault(event: UsageEvent): string | null {
  try {
    parseEvent(encodeEvent(event), (fault) => new EventFault(fault));
    return null;
  } catch (error) {
    if (error instanceof EventFault) return error.message;
    throw error;
  }
}

class EventFault extends Error {}

/** @throws what `refuse` makes: the form */
export function parseEvent(line: string, refuse: Refuse): UsageEvent {
  if (line.length > MAX_EVENT_CHARACTERS) throw refuse(`has more than ${MAX_EVENT_CHARACTERS} characters`);
  const event = parseCanonicalJson(line, refuse);
  if (!isObject(event)) throw refuse("is not an object");
  let last = -1;
  for (const name of Object.keys(event)) {
    const order = NAMES.indexOf(name as (typeof NAMES)[number]);
    if (order <= last) throw refuse(`has ${JSON.stringify(name.slice(0, 64))} unknown or out of order`);
    last = order;
  }
  for (const name of NAMES) {
    const fault = FORMS[name](event[name], event);
    if (fault !== null) throw refuse(`has a field ${name} that ${fault}`);
  }
  return event as unknown as UsageEvent;
}

/** What two events with the same id must agree in: everything except their time. */
export function contentOf(line: string): string {
  return line.slice(0, line.lastIndexOf(',"at":'));
}

type FaultIn = (value: JsonValue | undefined, event: JsonObject) => string | null;

const textUpTo =
  (most: number): FaultIn =>
  (value) => {
    const isSound = typeof value === "string" && value !== "" && value.length <= most;
    return isSound ? null : `must have 1\u2026${most} characters`;
  };
const text = textUpTo(256);
const optional =
  (fault: FaultIn): FaultIn =>
  (value, event) =>
    value === undefined ? null : fault(value, event);
/** Only a gateway sets these fields. */
const gatewayOnly =
  (fault: FaultIn): FaultIn =>
  (value, event) => {
    if (event["lane"] === "response") return fault(value, event);
    return value === undefined ? null : "an app does not say";
  };

const FORMS: Readonly<Record<(typeof NAMES)[number], FaultIn>> = {
  id: (value, event) => {
    if (event["lane"] !== "meter" && value !== event["request_id"]) return "must be the request_id";
    return text(value, event);
  },
  lane: (value) => (LANES.some((lane) => lane === value) ? null : `must be one of ${LANES.join(", ")}`),
  usage: (value, event) => usageFault(value, event["pending"] === undefined ? 1 : 0),
  request_id: optional(text),
  route_id: optional((value) => (typeof value === "string" ? null : "must be a string")),
  context: optional((value) => (isObject(value) ? null : "must be an object")),
  credits: optional((value) => usageFault(value, 1)),
  token: gatewayOnly((value) => (typeof value === "string" && isTokenId(value) ? null : "must be a token's id")),
  backend: gatewayOnly(text),
  subject: gatewayOnly(optional(textUpTo(4096))),
  pending: gatewayOnly(optional((value) => (value === true ? null : "must be true"))),
  at: (value) => (typeof value === "number" && value < MAX_AT ? null : "must be milliseconds since 1970"),
};
