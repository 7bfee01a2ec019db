import type { Secret } from "../../crypto/secret.ts";
import { WrongPassphraseError } from "../../errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { timeAgo } from "../format/relative-time.ts";
import { shown } from "../format/shape.ts";

/** Nothing in this manifest is proven: anyone who can write to the store may have written it. */
export function wrongPassphrase(
  { repo, env, at, actor }: Manifest,
  passphrase: Secret,
  nowMs: number,
): WrongPassphraseError {
  const oddity = oddityOf(passphrase.exposeText());
  const changed = `${timeAgo(at, nowMs)} by ${shown(`${actor.user}@${actor.host}`)}`;
  return new WrongPassphraseError(`wrong passphrase for ${shown(repo)}/${shown(env)}`, {
    hint: `${oddity === null ? "" : `what you gave ${oddity}; `}the bucket says (unproven): changed ${changed}; check where the passphrase comes from, and if it was rotated, roll the new one out`,
  });
}

/** What people include by accident and cannot see. Each match is removed before the next is looked for. */
const ODDITIES: readonly (readonly [oddity: RegExp, words: string])[] = [
  [/\0/g, "has NUL characters, as text in UTF-16 has"],
  [/^\ufeff/, "begins with a BOM (byte order mark)"],
  [/[\r\n]+$/, "ends in a line end"],
  [/\\[rn]$/, "ends in a backslash and a letter where a line end was meant"],
  [/^\s+|\s+$/g, "begins or ends with white space"],
  [/^(?:export )?\w*PASSPHRASE\s*=\s*/i, "begins with a variable's name, as in a dotenv file"],
  [/^(["'`])(?=.*\1$)|^[\u2018\u201c\u201e\u00ab](?=.*[\u2019\u201c\u201d\u00bb]$)/s, "is in quotes"],
  [/^\$[({A-Za-z].*$/s, "is a variable or command that no shell has replaced"],
  [/[\r\n]/g, "has several lines"],
  [/[\u00a0\u00ad\u200b-\u200d\u2060\ufeff]/g, "has an invisible character or a non-breaking space"],
  [/[\u2013\u2014\u2018-\u201e]/g, "has typographic dashes or quotes"],
];

/** Describes what looks odd, for a message, and reveals nothing else about the passphrase. Null if nothing does. */
function oddityOf(given: string): string | null {
  let text = given;
  const found = ODDITIES.flatMap(([oddity, words]) => {
    const before = text;
    text = text.replace(oddity, "");
    return text === before ? [] : [words];
  });
  if (text !== text.normalize("NFC")) found.push("is in another Unicode form than keyboards type (not NFC)");
  if (isBase64OfText(text)) found.push("looks like base64");
  return found.length === 0 ? null : found.join(" and ");
}

/** Base64 as in Kubernetes secrets. Only padding tells it from a passphrase of letters and digits. */
function isBase64OfText(text: string): boolean {
  if (!/^[A-Za-z0-9+/]{8,}={1,2}$/.test(text)) return false;
  return /^[\x20-\x7e]+\s*$/.test(Buffer.from(text, "base64").toString("utf8"));
}
