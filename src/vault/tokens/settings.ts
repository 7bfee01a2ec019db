import type { JsonObject, JsonValue } from "../../canonical-json.ts";
import { InputError } from "../../errors.ts";
import { BACKEND_SETTINGS, backendOf, backendSettingsIn, type RouteSetting } from "../../tokens/backends/settings.ts";
import type { Claims } from "../../tokens/claims.ts";
import { checkSettings } from "../../tokens/grants/settings.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { openWithRoll } from "../commit/open-for-commit.ts";
import { type AmendRequest, type Proposal, proposeAmendment } from "../commit/proposal.ts";
import type { Manifest } from "../format/manifest.ts";
import { liveIn, type Roll } from "../format/tokens/roll.ts";
import type { ChangePlan, Changes } from "../items/changes.ts";
import type { OpenRequest, ReadPorts } from "../open/open-manifest.ts";

export interface SettingsRequest extends AmendRequest {
  /** As `checkSettings` takes them; null removes all settings. */
  readonly settings: unknown;
}

/** The names in `changes` are those of settings, such as `min_tls` or `route jobs.create`. */
export interface SettingsPlan extends ChangePlan {
  readonly after: JsonObject | null;
  /** Names (or ids) of live tokens bound to a backend that the new settings lack. */
  readonly unbound: readonly string[];
  /** Live tokens of origins that may not report what a route meters, so its responses would lack their usage. */
  readonly mute: readonly MuteToken[];
}

export interface MuteToken {
  readonly claims: Claims;
  readonly route: RouteSetting;
}

/**
 * Proposes new settings, which apply to every token of the vault.
 *
 * @throws GrantInvalidError the settings are not allowed
 * @throws what opening and committing throw
 */
export async function proposeSettings(ports: CommitPorts, request: SettingsRequest): Promise<Proposal<SettingsPlan>> {
  const after = request.settings === null ? null : (checkSettings(request.settings) as JsonObject);
  return proposeAmendment(ports, { ...request, mending: { newSettings: true } }, ({ manifest }, { roll }) => {
    const { tokens, settings: before = null, ...others } = roll;
    const tokensAfter = { roll: { tokens, ...(after === null ? {} : { settings: after }), ...others } };
    const isChanged = JSON.stringify(before) !== JSON.stringify(after);
    const meta = { event: "settings" };
    const live = liveIn(roll, ports.clock.nowMs()).map(({ claims }) => claims);
    const [unbound, mute] = [unboundIn(roll, live, after), muteIn(live, after)];
    return {
      plan: { changes: changesOf(before ?? {}, after ?? {}), after, gen: manifest.gen, tokens: [], unbound, mute },
      amendment: isChanged ? { action: "settings", meta, tokens: tokensAfter } : null,
    };
  });
}

export interface ReadSettings {
  readonly manifest: Manifest;
  /** Null if the vault has none. */
  readonly settings: JsonObject | null;
}

/**
 * @throws InputError the holder only reads
 * @throws what opening throws
 */
export async function readVaultSettings(ports: ReadPorts, request: OpenRequest): Promise<ReadSettings> {
  using opened = await openWithRoll(ports, request);
  return { manifest: opened.vault.manifest, settings: opened.roll.settings ?? null };
}

function changesOf(before: JsonObject, after: JsonObject): Changes {
  const [had, has] = [partsOf(before), partsOf(after)];
  const names = [...has.keys()];
  return {
    added: names.filter((name) => !had.has(name)),
    changed: names.filter((name) => had.has(name) && had.get(name) !== has.get(name)),
    removed: [...had.keys()].filter((name) => !has.has(name)),
    unchanged: names.filter((name) => had.get(name) === has.get(name)),
  };
}

/** The settings one by one, under the names that people know them by. */
function partsOf(settings: JsonObject): ReadonlyMap<string, string> {
  const parts = Object.entries(settings).flatMap(([name, value]): [string, JsonValue][] => {
    if (!BACKEND_SETTINGS.some((known) => known === name) || !Array.isArray(value)) return [[name, value]];
    return value.map((it: JsonValue) => [`${name.slice(0, -1)} ${labelOf(it)}`, it]);
  });
  return new Map(parts.map(([name, value]) => [name, JSON.stringify(value)]));
}

function labelOf(part: JsonValue): string {
  const { id, key } = part as { readonly id?: string; readonly key?: string };
  return id ?? key ?? "?";
}

function unboundIn(roll: Roll, live: readonly Claims[], after: JsonObject | null): readonly string[] {
  const hadSome = backendSettingsIn(roll.settings)?.backends !== undefined;
  const known = backendSettingsIn(after ?? {})?.backends ?? (hadSome ? [] : undefined);
  const bound = live.filter(({ backend }) => backend !== undefined);
  const lost = bound.filter(({ backend }) => known?.every(({ id }) => id !== backend) ?? false);
  return lost.map(({ name, id }) => name ?? id);
}

function muteIn(live: readonly Claims[], after: JsonObject | null): readonly MuteToken[] {
  const settings = backendSettingsIn(after ?? {}) ?? {};
  const origins = live.filter(({ capabilities }) => capabilities.includes("gateway_verification"));
  return origins.flatMap((claims) => {
    const own = backendOf(settings, claims.backend);
    const reports = (meter: string): boolean =>
      claims.capabilities.includes("metering") && (claims.meters?.includes(meter) ?? true);
    // Every route has a backend.
    const route = settings.routes?.find(
      ({ backend, meters = [] }) => backendOf(settings, backend) === own && !meters.every(reports),
    );
    return route === undefined ? [] : [{ claims, route }];
  });
}

/**
 * @throws InputError a backend or meter that is missing from the vault's settings, or a meter whose name is a number,
 * which could never be reported
 */
export function requireInSettings(
  { settings }: Roll,
  { backend, meters = [] }: Pick<Claims, "backend" | "meters">,
): void {
  const known = backendSettingsIn(settings);
  if (known?.backends !== undefined && backend !== undefined && !known.backends.some(({ id }) => id === backend)) {
    throw notInSettings("backend", backend);
  }
  const digits = meters.find((meter) => /^\d+$/.test(meter));
  if (digits !== undefined)
    throw new InputError(`the meter ${digits} is a number`, { hint: "give it a name with a letter" });
  const unknown = meters.find((meter) => known?.meters?.every(({ key }) => key !== meter));
  if (unknown !== undefined) throw notInSettings("meter", unknown);
}

function notInSettings(what: string, name: string): InputError {
  return new InputError(`the vault's settings have no ${what} ${JSON.stringify(name)}`, {
    hint: "`vsync settings --show` shows them, and `vsync settings --from=<file>` replaces them",
  });
}
