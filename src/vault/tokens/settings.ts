import type { JsonObject } from "../../canonical-json.ts";
import { checkSettings } from "../../tokens/grants/settings.ts";
import { type AmendRequest, proposeAmendment } from "../commit/amend.ts";
import type { CommitPorts } from "../commit/commit.ts";
import type { Proposal } from "../commit/proposal.ts";

export interface SettingsRequest extends AmendRequest {
  /** As `checkSettings` takes them; null removes them. */
  readonly settings: unknown;
}

export interface SettingsPlan {
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  readonly gen: number;
}

/**
 * Proposes other settings, which bind every token of the vault.
 *
 * @throws GrantInvalidError the settings
 * @throws what opening and committing throw
 */
export async function proposeSettings(ports: CommitPorts, request: SettingsRequest): Promise<Proposal<SettingsPlan>> {
  const after: JsonObject | null = request.settings === null ? null : (checkSettings(request.settings) as JsonObject);
  return proposeAmendment(ports, { ...request, mending: { newSettings: true } }, ({ manifest }, { roll }) => {
    const { tokens, settings: before = null, ...others } = roll;
    const tokensAfter = { roll: { tokens, ...(after === null ? {} : { settings: after }), ...others } };
    const isChanged = JSON.stringify(before) !== JSON.stringify(after);
    const meta = { event: "settings" };
    return {
      plan: { before, after, gen: manifest.gen },
      amendment: isChanged ? { action: "settings", meta, tokens: tokensAfter } : null,
    };
  });
}
