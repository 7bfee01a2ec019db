import * as v from "valibot";
import type { JsonObject, JsonValue } from "../../../canonical-json.ts";
import { decodeCheckedBase64 as decode } from "../../../crypto/base64.ts";
import { sha256 } from "../../../crypto/digest.ts";
import { withoutBackends } from "../../../tokens/backends/settings.ts";
import { idOfKeys } from "../../../tokens/credential-form.ts";
import { refuseBundle } from "../bundle-header.ts";
import { base64, count, exactly, instant, openObject, parseShape, text } from "../shape.ts";
import { liveIn, type Roll, type TokenRecord } from "./roll.ts";

const texts = v.pipe(v.array(text), v.readonly());
const verifiableShape = exactly({
  id: text,
  kind: v.picklist(["live", "test"]),
  recipient: base64(32),
  signing: base64(32),
  backend: v.exactOptional(text),
  capabilities: texts,
  permissions: v.exactOptional(texts),
  grants: v.exactOptional(v.pipe(v.array(v.custom<JsonValue>(() => true)), v.readonly())),
  meters: v.exactOptional(texts),
  routes: v.exactOptional(texts),
  not_after: v.exactOptional(instant),
  min_iat: v.exactOptional(count),
});
const verifyListShape = exactly({ settings: v.exactOptional(openObject), tokens: v.array(verifiableShape) });

/** What a service needs to judge the tokens it is shown: the live ones and their keys, without names. */
export type VerifyList = v.InferOutput<typeof verifyListShape>;

/**
 * @throws BundleCorruptError the box has the wrong form, or an id is not derived from its keys, which would let
 * somebody else mint in the token's name
 */
export function parseVerifyList(content: JsonValue): VerifyList {
  const list = parseShape(verifyListShape, content, (fault) => refuseBundle(`has a box verify that ${fault}`));
  if (new Set(list.tokens.map(({ id }) => id)).size !== list.tokens.length) {
    throw refuseBundle("has a token twice in its box verify");
  }
  const wrong = list.tokens.find((token) => !hasOwnKeys(token.id, token));
  if (wrong !== undefined) throw refuseBundle(`has other keys under the token ${wrong.id} in its box verify`);
  return list;
}

/** A token's id is a digest of its keys. */
export function hasOwnKeys(id: string, { recipient, signing }: Pick<TokenRecord, "recipient" | "signing">): boolean {
  return idOfKeys(decode(recipient), decode(signing), sha256) === id;
}

export function verifyListOf(roll: Roll, atMs: number): VerifyList {
  const settings = tokenSettingsIn(roll);
  return { ...(settings === undefined ? {} : { settings }), tokens: liveIn(roll, atMs).map(verifiableOf) };
}

/** Only the settings that restrict tokens. Backends and routes concern others. */
function tokenSettingsIn({ settings }: Roll): JsonObject | undefined {
  const binding = withoutBackends(settings ?? {});
  return Object.keys(binding).length === 0 ? undefined : binding;
}

function verifiableOf({ claims, recipient, signing, min_iat }: TokenRecord): VerifyList["tokens"][number] {
  const { id, kind, name: _name, created_at: _created, ...rest } = claims;
  return { id, kind, recipient, signing, ...rest, ...(min_iat === undefined ? {} : { min_iat }) };
}
