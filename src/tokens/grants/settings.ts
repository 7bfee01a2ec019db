import type { JsonValue } from "../../canonical-json.ts";
import { integer, onlyTrue } from "../backends/forms.ts";
import { BACKEND_SETTINGS, type BackendSettings, requireBackendSettings } from "../backends/settings.ts";
import { type At, elementsOf, type RefuseAt, refuseGiven, requireObject, requireText } from "../given.ts";
import type { Properties } from "./filter.ts";
import { jsonOf } from "./grant.ts";
import { contains, type Network, parseAddress, parseNetwork } from "./networks.ts";

/**
 * The settings of a vault: what binds its tunnels, no matter who calls, and its backends (docs/format.md, Settings).
 */
export interface Settings extends BackendSettings {
  readonly require_auth?: true;
  readonly trusted_ips?: readonly string[];
  readonly countries?: readonly string[];
  readonly min_tls?: "1.2" | "1.3";
  /** How long `gc` keeps usage, in days. */
  readonly usage_retention_days?: number;
}

/** What the service knows of a connection. */
export interface Facts {
  readonly ip?: string;
  /** Two upper-case letters (ISO 3166-1). */
  readonly country?: string;
  /** Such as `1.3`. */
  readonly tls?: string;
}

export interface ParsedSettings {
  readonly requireAuth: boolean;
  readonly networks: readonly Network[] | null;
  readonly countries: readonly string[] | null;
  readonly minTls: string | null;
}

const TLS = ["1.2", "1.3"];
const MAX_RETENTION_DAYS = 3650;

/**
 * Checks settings that somebody gives, and returns them unchanged.
 *
 * @throws GrantInvalidError anything unknown, empty or of the wrong type; `path` says where, such as `settings.min_tls`
 */
export function checkSettings(given: unknown): Settings {
  const value = jsonOf(given, "settings");
  parse({ value, path: "settings", refuse: refuseGiven });
  return value as Settings;
}

class SettingsFault extends Error {}
const fail: RefuseAt = (path, fault) => new SettingsFault(`${path}: ${fault}`);

/**
 * Reads stored settings for evaluation. Null if they are not valid, because an unknown setting may be a restriction.
 */
export function readSettings(value: JsonValue): ParsedSettings | null {
  try {
    return parse({ value, path: "settings", refuse: fail });
  } catch (error) {
    if (error instanceof SettingsFault) return null;
    throw error;
  }
}

function parse(at: At): ParsedSettings {
  const settings = requireObject(at);
  const members = Object.keys(settings).map((name): [string, At] => {
    return [name, { ...at, value: settings[name] as JsonValue, path: `${at.path}.${name}` }];
  });
  requireBackendSettings(at);
  const parsed = { requireAuth: false, networks: null, countries: null, minTls: null };
  return Object.assign({}, parsed, ...members.map(([name, member]) => parseSetting(name, member)));
}

function parseSetting(name: string, at: At): Partial<ParsedSettings> {
  switch (name) {
    case "require_auth":
      onlyTrue("must be true").check(at);
      return { requireAuth: true };
    case "trusted_ips":
      return { networks: parseList(at, (text) => parseNetwork(text) ?? "must be a network such as 10.0.0.0/8") };
    case "countries":
      return {
        countries: parseList(at, (text) =>
          /^[A-Z]{2}$/.test(text) ? [text] : "must be two upper-case letters",
        ).flat(),
      };
    case "min_tls":
      if (!TLS.includes(requireText(at))) throw at.refuse(at.path, "must be 1.2 or 1.3");
      return { minTls: requireText(at) };
    case "usage_retention_days":
      integer(1, MAX_RETENTION_DAYS).check(at);
      return {};
    default:
      if (BACKEND_SETTINGS.some((known) => known === name)) return {};
      throw at.refuse(at.path, "is not a setting");
  }
}

/**
 * @param parseOne returns a fault as a string
 */
function parseList<One extends object>(at: At, parseOne: (text: string) => One | string): One[] {
  const elements = elementsOf(at);
  if (elements.length === 0) throw at.refuse(at.path, "must not be empty");
  return elements.map((element) => {
    const one = parseOne(requireText(element));
    if (typeof one === "string") throw at.refuse(element.path, one);
    return one;
  });
}

/** Why the settings refuse a tunnel with these properties, or null. On `create`, call it after all forcing. */
export function authFault({ requireAuth }: ParsedSettings, tunnel: Properties): string | null {
  if (!requireAuth || tunnel.get("publish") === false) return null;
  const authenticated = tunnel.get("token_auth") === true || tunnel.get("rstream_auth") === true;
  return authenticated ? null : "a public tunnel must have token_auth or rstream_auth";
}

/** Why the settings refuse a connection, or null. If a required fact is missing, they refuse. */
export function connectionFault({ networks, countries, minTls }: ParsedSettings, facts: Facts): string | null {
  if (networks !== null) {
    const address = typeof facts.ip === "string" ? parseAddress(facts.ip) : null;
    if (address === null || !networks.some((network) => contains(network, address)))
      return "the address is not trusted";
  }
  if (countries !== null && !countries.some((country) => country === facts.country))
    return "the country is not allowed";
  if (minTls === null) return null;
  return TLS.slice(TLS.indexOf(minTls)).some((tls) => tls === facts.tls) ? null : `TLS must be ${minTls} or newer`;
}
